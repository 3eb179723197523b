/**
 * @file attrs.h
 * @brief The only place that names a compiler extension.
 */
#ifndef REEF_ATTRS_H
#define REEF_ATTRS_H

#define REEF_NODISCARD    __attribute__((warn_unused_result))
#define REEF_NORETURN     __attribute__((noreturn))
#define REEF_UNUSED       __attribute__((unused))
#define REEF_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define REEF_LIKELY(x)    __builtin_expect(!!(x), 1)
#define REEF_UNLIKELY(x)  __builtin_expect(!!(x), 0)

/** Keeps what is seldom needed out of a hot function, which then saves no registers for
 *  its sake. */
#define REEF_NOINLINE __attribute__((noinline))

/** Compiles a function three times, for processors with AVX-512, with AVX2 and for all
 *  others, and chooses when the program is loaded: for loops over columns, which are
 *  then up to twice as fast where data is in the cache.  Results are the same.  Empty
 *  under sanitizers, which start too late for it, and with clang, whose older versions
 *  give such a function another name. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&    \
    !defined(__SANITIZE_THREAD__)
#define REEF_TARGET_CLONES                                                             \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define REEF_TARGET_CLONES
#endif

/** Number of leading zero bits of a uint64_t that is not 0. */
#define REEF_LEADING_ZEROS(x) ((unsigned)__builtin_clzll(x))

/** 1 when a sanitizer watches memory or threads: then memory is not to be reused behind
 *  its back. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REEF_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REEF_SANITIZED 1
#endif
#endif
#ifndef REEF_SANITIZED
#define REEF_SANITIZED 0
#endif

/** Says to the processor that this is a loop that waits. */
#if defined(__x86_64__) || defined(__i386__)
#define REEF_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define REEF_PAUSE() __asm__ volatile("yield")
#else
#define REEF_PAUSE() ((void)0)
#endif

#define REEF_PREFETCH(address) __builtin_prefetch(address)

/** The same for what is to be written. */
#define REEF_PREFETCH_TO_WRITE(address) __builtin_prefetch((address), 1)

/** Index of the lowest set bit of a non-zero uint64_t. */
#define REEF_LOWEST_BIT(x) ((unsigned)__builtin_ctzll(x))

/** Checked in debug builds only: for inner loops.  Elsewhere: assert(). */
#ifdef REEF_DEBUG
#include <assert.h>
#define REEF_DEBUG_ASSERT(condition) assert(condition)
#else
#define REEF_DEBUG_ASSERT(condition) ((void)0)
#endif

#endif /* REEF_ATTRS_H */
