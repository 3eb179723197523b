# One IMPORTED target per third-party library; modules link them privately.
# Imported include directories are SYSTEM, so their headers draw no warnings.
# Whatever is missing is named in a single line, with the Debian packages.

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)
set(missing_libraries "")
set(missing_packages "")
if(NOT PKG_CONFIG_FOUND)
  list(APPEND missing_libraries pkg-config)
  list(APPEND missing_packages pkgconf)
endif()

# need_pkgconfig(<module> <Debian package>): makes PkgConfig::<module>
macro(need_pkgconfig module package)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(NOT TARGET PkgConfig::${module})
    list(APPEND missing_libraries ${module})
    list(APPEND missing_packages ${package})
  endif()
endmacro()

# need_library(<name> <header> <Debian package>): makes <name>, for a library
# whose package has no .pc file.
macro(need_library name header package)
  find_path(${name}_INCLUDE_DIR ${header})
  find_library(${name}_LIBRARY ${name})
  mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
  if(${name}_INCLUDE_DIR AND ${name}_LIBRARY)
    add_library(${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES
      IMPORTED_LOCATION ${${name}_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${${name}_INCLUDE_DIR})
  else()
    list(APPEND missing_libraries ${name})
    list(APPEND missing_packages ${package})
  endif()
endmacro()

need_pkgconfig(libuv     libuv1-dev)
need_pkgconfig(wolfssl   libwolfssl-dev)
need_pkgconfig(libcjson  libcjson-dev)
need_pkgconfig(sqlite3   libsqlite3-dev)
need_pkgconfig(inih      libinih-dev)
need_pkgconfig(zlib      zlib1g-dev)
need_pkgconfig(libxxhash libxxhash-dev)
need_pkgconfig(libzstd   libzstd-dev)
if(PKG_CONFIG_FOUND) # optional: Linux only
  pkg_check_modules(liburing QUIET IMPORTED_TARGET GLOBAL liburing)
  # optional: reef-bench is a client of TLS by another library than the server's
  pkg_check_modules(openssl QUIET IMPORTED_TARGET GLOBAL openssl)
endif()
need_library(civetweb civetweb.h libcivetweb-dev)
if(BUILD_TESTING)
  need_pkgconfig(cmocka libcmocka-dev)
endif()

if(missing_packages)
  list(JOIN missing_libraries ", " missing_libraries)
  list(JOIN missing_packages " " missing_packages)
  message(NOTICE "Reef needs ${missing_libraries}: apt-get install ${missing_packages}")
  message(FATAL_ERROR "Stopped: libraries are missing.")
endif()
