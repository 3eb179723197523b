/**
 * @file foreach.h
 * @brief Preprocessor plumbing of the declaration macros in reflect.h.
 *
 * REEF__EACH(M, c, a, b, …) expands to `M(c, a) M(c, b) …`, for 1 to 32 arguments.
 */
#ifndef REEF_FOREACH_H
#define REEF_FOREACH_H

#define REEF__CAT_(a, b) a##b
#define REEF__CAT(a, b)  REEF__CAT_(a, b)

#define REEF__COUNT(...)                                                               \
    REEF__COUNT_(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,  \
                 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define REEF__COUNT_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, \
                     a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28,  \
                     a29, a30, a31, a32, n, ...)                                       \
    n

#define REEF__EACH(M, c, ...)                                                          \
    REEF__CAT(REEF__EACH_, REEF__COUNT(__VA_ARGS__))(M, c, __VA_ARGS__)
#define REEF__EACH_1(M, c, a)       M(c, a)
#define REEF__EACH_2(M, c, a, ...)  M(c, a) REEF__EACH_1(M, c, __VA_ARGS__)
#define REEF__EACH_3(M, c, a, ...)  M(c, a) REEF__EACH_2(M, c, __VA_ARGS__)
#define REEF__EACH_4(M, c, a, ...)  M(c, a) REEF__EACH_3(M, c, __VA_ARGS__)
#define REEF__EACH_5(M, c, a, ...)  M(c, a) REEF__EACH_4(M, c, __VA_ARGS__)
#define REEF__EACH_6(M, c, a, ...)  M(c, a) REEF__EACH_5(M, c, __VA_ARGS__)
#define REEF__EACH_7(M, c, a, ...)  M(c, a) REEF__EACH_6(M, c, __VA_ARGS__)
#define REEF__EACH_8(M, c, a, ...)  M(c, a) REEF__EACH_7(M, c, __VA_ARGS__)
#define REEF__EACH_9(M, c, a, ...)  M(c, a) REEF__EACH_8(M, c, __VA_ARGS__)
#define REEF__EACH_10(M, c, a, ...) M(c, a) REEF__EACH_9(M, c, __VA_ARGS__)
#define REEF__EACH_11(M, c, a, ...) M(c, a) REEF__EACH_10(M, c, __VA_ARGS__)
#define REEF__EACH_12(M, c, a, ...) M(c, a) REEF__EACH_11(M, c, __VA_ARGS__)
#define REEF__EACH_13(M, c, a, ...) M(c, a) REEF__EACH_12(M, c, __VA_ARGS__)
#define REEF__EACH_14(M, c, a, ...) M(c, a) REEF__EACH_13(M, c, __VA_ARGS__)
#define REEF__EACH_15(M, c, a, ...) M(c, a) REEF__EACH_14(M, c, __VA_ARGS__)
#define REEF__EACH_16(M, c, a, ...) M(c, a) REEF__EACH_15(M, c, __VA_ARGS__)
#define REEF__EACH_17(M, c, a, ...) M(c, a) REEF__EACH_16(M, c, __VA_ARGS__)
#define REEF__EACH_18(M, c, a, ...) M(c, a) REEF__EACH_17(M, c, __VA_ARGS__)
#define REEF__EACH_19(M, c, a, ...) M(c, a) REEF__EACH_18(M, c, __VA_ARGS__)
#define REEF__EACH_20(M, c, a, ...) M(c, a) REEF__EACH_19(M, c, __VA_ARGS__)
#define REEF__EACH_21(M, c, a, ...) M(c, a) REEF__EACH_20(M, c, __VA_ARGS__)
#define REEF__EACH_22(M, c, a, ...) M(c, a) REEF__EACH_21(M, c, __VA_ARGS__)
#define REEF__EACH_23(M, c, a, ...) M(c, a) REEF__EACH_22(M, c, __VA_ARGS__)
#define REEF__EACH_24(M, c, a, ...) M(c, a) REEF__EACH_23(M, c, __VA_ARGS__)
#define REEF__EACH_25(M, c, a, ...) M(c, a) REEF__EACH_24(M, c, __VA_ARGS__)
#define REEF__EACH_26(M, c, a, ...) M(c, a) REEF__EACH_25(M, c, __VA_ARGS__)
#define REEF__EACH_27(M, c, a, ...) M(c, a) REEF__EACH_26(M, c, __VA_ARGS__)
#define REEF__EACH_28(M, c, a, ...) M(c, a) REEF__EACH_27(M, c, __VA_ARGS__)
#define REEF__EACH_29(M, c, a, ...) M(c, a) REEF__EACH_28(M, c, __VA_ARGS__)
#define REEF__EACH_30(M, c, a, ...) M(c, a) REEF__EACH_29(M, c, __VA_ARGS__)
#define REEF__EACH_31(M, c, a, ...) M(c, a) REEF__EACH_30(M, c, __VA_ARGS__)
#define REEF__EACH_32(M, c, a, ...) M(c, a) REEF__EACH_31(M, c, __VA_ARGS__)

#endif /* REEF_FOREACH_H */
