/* The dashboard's files, embedded in the program at build time.
 *
 * Invariant: every file is stored gzipped; reef_dashboard_assets[0 ..
 * reef_dashboard_asset_count) is sorted by path, and "/index.html" is always there,
 * also in a build without the dashboard, where it is a notice. */
#ifndef REEF_DASHBOARD_ASSETS_H
#define REEF_DASHBOARD_ASSETS_H

#include <stddef.h>

/** One embedded file.  Everything in it is static and never changes. */
typedef struct reef_asset {
    const char *path; /**< absolute path of the URL, e.g. "/index.html" */
    const char *type; /**< value for Content-Type, e.g. "text/html; charset=utf-8" */
    const char *etag; /**< hex of a hash of the content, without quotes */
    const unsigned char *gz; /**< the file, gzipped (RFC 1952) */
    size_t gz_size;          /**< bytes at gz */
    size_t size;             /**< bytes once unpacked */
} reef_asset_t;

/** All embedded files, sorted by path.  May be read from any thread. */
extern const reef_asset_t reef_dashboard_assets[];
/** How many there are; at least one. */
extern const size_t reef_dashboard_asset_count;

#endif
