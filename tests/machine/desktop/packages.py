"""The packages that the machine with a desktop has besides the base tree."""

PACKAGES = (
    # a login screen on an X server without a screen, and a desktop with little in it
    "lightdm", "lightdm-gtk-greeter", "xvfb", "xauth", "openbox", "fonts-dejavu-core",
    "adwaita-icon-theme",
    # lockers that run as the user
    "i3lock",
    # the person: keys, pictures, and eyes that read them
    "xdotool", "imagemagick", "tesseract-ocr", "tesseract-ocr-eng", "x11-utils",
)
