/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes: cmocka with TAP output, one executable a file. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Runs the tests of the group and prints TAP; the value of main(). With UNIT_CASE in the
 * environment only the case of that name is run. */
#define unit_main(tests)                                                                           \
    (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_set_test_filter(getenv("UNIT_CASE")),        \
     cmocka_run_group_tests_name(__FILE__, (tests), NULL, NULL))

#endif
