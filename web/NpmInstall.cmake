# Install a folder's npm packages, exactly those of its lock file:
#   cmake -DFOLDER=… -DNPM=… -DSTAMP=… -P NpmInstall.cmake
# Does nothing when node_modules already holds them, so that it needs no network then.  The
# lock lets several build trees share one node_modules: whoever had to wait finds the
# packages installed.

file(LOCK ${FOLDER}/.npm-install.lock GUARD PROCESS TIMEOUT 600)
file(SHA256 ${FOLDER}/package-lock.json wanted)
set(installed "")
if(EXISTS ${FOLDER}/node_modules/.reef-lock)
  file(READ ${FOLDER}/node_modules/.reef-lock installed)
endif()

if(NOT installed STREQUAL wanted)
  message(STATUS "npm ci in ${FOLDER}")
  execute_process(
    COMMAND ${NPM} ci --prefer-offline --no-audit --no-fund --ignore-scripts
    WORKING_DIRECTORY ${FOLDER}
    OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    file(REMOVE ${FOLDER}/.npm-install.lock)
    message("${output}")
    message(FATAL_ERROR "npm ci failed in ${FOLDER}: its own messages are above")
  endif()
  file(WRITE ${FOLDER}/node_modules/.reef-lock ${wanted})
endif()
file(REMOVE ${FOLDER}/.npm-install.lock)
file(TOUCH ${STAMP})
