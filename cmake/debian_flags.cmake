# The flags that dpkg-buildpackage compiles the Debian packages with, so that the release build is what a machine
# installs, and ccache compiles it once. dpkg-buildflags knows them for this Debian release; debian/rules adds
# this project's.
option(PAM_COGNITO_DEBIAN_FLAGS "Compile with the flags of the Debian packages" OFF)
if(PAM_COGNITO_DEBIAN_FLAGS)
  execute_process(COMMAND make --no-print-directory --silent --file debian/rules print-flags
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "compile: ([^\n]*)\nlink: ([^\n]*)\n" flags "${flags}")
  set(CMAKE_CXX_FLAGS "${CMAKE_MATCH_1}")
  set(CMAKE_EXE_LINKER_FLAGS "${CMAKE_MATCH_2}")
  set(CMAKE_MODULE_LINKER_FLAGS "${CMAKE_MATCH_2}")
  if(NOT CMAKE_CXX_FLAGS MATCHES "-O2")
    message(FATAL_ERROR "debian/rules print-flags printed no flags: is dpkg-dev installed?")
  endif()
endif()
