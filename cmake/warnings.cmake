# One interface target carries the flags of the whole tree, so that no folder can quietly drop one.
add_library(pam_cognito_flags INTERFACE)
target_compile_options(pam_cognito_flags INTERFACE
  -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wvla -Wformat=2 -Werror
  -fstack-protector-strong -fno-omit-frame-pointer)
target_include_directories(pam_cognito_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(PAM_COGNITO_SANITIZE)
  target_compile_options(pam_cognito_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(pam_cognito_flags INTERFACE -fsanitize=address,undefined)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Its own garbage collector may take memory rather than time.
    target_compile_options(pam_cognito_flags INTERFACE --param=ggc-min-heapsize=1000000)
  endif()
else()
  # A distribution's own flags may ask for more: 3 on Ubuntu.
  if(NOT CMAKE_CXX_FLAGS MATCHES "_FORTIFY_SOURCE")
    target_compile_definitions(pam_cognito_flags INTERFACE _FORTIFY_SOURCE=2)
  endif()
  target_link_options(pam_cognito_flags INTERFACE -Wl,-z,now,-z,relro)
endif()
target_compile_definitions(pam_cognito_flags INTERFACE PAM_COGNITO_VERSION="${PROJECT_VERSION}")
