# Several sources a compilation: half the time of a whole build on two cores. So no two files of a folder have helpers of the same
# name; and since a file may lean on a neighbour unseen, `./dev check` builds once without.
option(SLUICE_UNITY "Compile the files of a folder together" ON)

# sluice_folder(NAME DIR dir LINKS libs... [ASIO] [EXCLUDE file...]): the folder's sources as the static library sluice_NAME.
# ASIO in LINKS marks a folder that speaks to sockets: it shares the precompiled Asio header.
file(WRITE ${CMAKE_BINARY_DIR}/pch_asio.cpp "")
add_library(sluice_pch_asio STATIC ${CMAKE_BINARY_DIR}/pch_asio.cpp)
target_include_directories(sluice_pch_asio PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(sluice_pch_asio PRIVATE Boost::headers spdlog::spdlog Threads::Threads)
target_compile_definitions(sluice_pch_asio PRIVATE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
target_precompile_headers(sluice_pch_asio PRIVATE <boost/asio.hpp> <spdlog/spdlog.h> <string> <vector> <memory>
  <optional> <functional> <unordered_map> <atomic> <chrono> <coroutine>)

# Asio's own function bodies are compiled once.
add_library(sluice_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cpp)
target_link_libraries(sluice_asio PUBLIC Boost::headers Threads::Threads OpenSSL::SSL)
target_compile_definitions(sluice_asio PUBLIC BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)

function(sluice_folder name)
  cmake_parse_arguments(F "" "DIR" "LINKS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${F_DIR}/*.cpp)
  foreach(excluded ${F_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${F_DIR}/${excluded})
  endforeach()
  set(asio OFF)
  if(ASIO IN_LIST F_LINKS)
    set(asio ON)
    list(REMOVE_ITEM F_LINKS ASIO)
  endif()
  if(NOT sources)
    add_library(sluice_${name} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(sluice_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(sluice_${name} PRIVATE sluice_warnings)
    set_target_properties(sluice_${name} PROPERTIES UNITY_BUILD ${SLUICE_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  endif()
  target_include_directories(sluice_${name} ${scope} ${CMAKE_SOURCE_DIR})
  target_link_libraries(sluice_${name} ${scope} ${F_LINKS})
  if(asio)
    target_link_libraries(sluice_${name} ${scope} sluice_asio spdlog::spdlog)
    if(sources)
      target_precompile_headers(sluice_${name} REUSE_FROM sluice_pch_asio)
    endif()
  endif()
endfunction()
