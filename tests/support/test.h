/** @file test.h  cmocka with the headers it wants, in the order it wants. */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every test takes the fixture's state as its only argument. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TEST_H */
