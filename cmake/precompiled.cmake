# The standard library's and jsoncpp's headers, parsed once for the whole tree: a third of what a build
# takes. Only where PAM_COGNITO_PRECOMPILE says so (the sanitizer presets): the release build goes
# without, and so shows that each file brings in what it uses; tests/arch, that it includes the headers itself.
option(PAM_COGNITO_PRECOMPILE "Parse the common headers once for the whole tree" OFF)

function(pam_cognito_precompile)
  if(NOT PAM_COGNITO_PRECOMPILE)
    return()
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cc "// The headers alone are compiled.\n")
  # Programs are compiled with -fPIE, everything else with -fPIC, and the two do not mix.
  pam_cognito_precompiled_headers(precompiled -fPIC)
  pam_cognito_precompiled_headers(precompiled_for_programs -fPIE)
  pam_cognito_reuse_precompiled(${PROJECT_SOURCE_DIR})
endfunction()

function(pam_cognito_precompiled_headers name position)
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE ${position})
  target_link_libraries(${name} PRIVATE pam_cognito_flags PkgConfig::JSONCPP)
  target_precompile_headers(${name} PRIVATE
    <algorithm> <array> <charconv> <chrono> <coroutine> <cstdint> <cstring> <deque> <expected> <filesystem>
    <fstream> <functional> <map> <memory> <optional> <set> <span> <sstream> <string> <string_view>
    <utility> <variant> <vector> <json/json.h>)
endfunction()

# Every target of DIRECTORY and of the folders below it takes them.
function(pam_cognito_reuse_precompiled directory)
  get_directory_property(folders DIRECTORY ${directory} SUBDIRECTORIES)
  foreach(folder ${folders})
    pam_cognito_reuse_precompiled(${folder})
  endforeach()
  get_directory_property(targets DIRECTORY ${directory} BUILDSYSTEM_TARGETS)
  list(REMOVE_ITEM targets precompiled precompiled_for_programs)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      target_precompile_headers(${target} REUSE_FROM precompiled_for_programs)
    elseif(type MATCHES "STATIC_LIBRARY|MODULE_LIBRARY|OBJECT_LIBRARY")
      target_precompile_headers(${target} REUSE_FROM precompiled)
    endif()
  endforeach()
endfunction()
