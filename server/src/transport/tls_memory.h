/**
 * @file tls_memory.h
 * @brief Give memory back that wolfSSL has cleared and never used.
 */
#ifndef REEF_SRC_TRANSPORT_TLS_MEMORY_H
#define REEF_SRC_TRANSPORT_TLS_MEMORY_H

/**
 * Release those pages inside of a block of malloc() that hold nothing but zeros; they
 * read as zeros ever after.  A session of wolfSSL has 37 KB, of which 36 are for the
 * certificates of the other side, which a server does not ask for.  Accepts NULL.
 */
void reef__tls_memory_trim(void *block);

#endif /* REEF_SRC_TRANSPORT_TLS_MEMORY_H */
