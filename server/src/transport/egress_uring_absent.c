/* Stands in for egress_uring.c where liburing was not there to build with. */
#include "transport/egress.h"

reef__egress_t *reef__egress_uring_open(const reef_alloc_t *alloc, const char **why)
{
    (void)alloc;
    *why = "built without liburing";
    return NULL;
}
