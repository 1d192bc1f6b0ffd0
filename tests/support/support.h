/* support.h -- what every test needs: asserts on struct error, and files in a folder of the test's own.
 */
#ifndef HELDBY_TEST_SUPPORT_H
#define HELDBY_TEST_SUPPORT_H

#include <check.h>

#include "lib/base/error.h"

/* `done` must be true; else the test fails with the text of the error. Evaluated once. */
#define ck_assert_ok(done, err)                                                                              \
    do {                                                                                                     \
        if (!(done)) {                                                                                       \
            char text_[1200];                                                                                \
            ck_abort_msg("%s: %s", #done, error_text((err), text_, sizeof text_));                           \
        }                                                                                                    \
    } while (0)

/* ck_assert for inner loops: Check notes each of its own asserts with a system call. */
#define must(property)                                                                                       \
    do {                                                                                                     \
        if (!(property))                                                                                     \
            ck_abort_msg("%s", #property);                                                                   \
    } while (0)

/* The error must have this code and its text must contain `part`. */
void ck_assert_error(const struct error *err, enum error_code code, const char *part);

/* Path of a file `name` in a folder made for this test process; static, overwritten by the fourth call after
 * it. */
const char *test_file(const char *name);
void write_file(const char *path, const void *data, size_t size);
unsigned char *read_whole_file(const char *path, size_t *size); /* free() it */

/* Runs the suite, prints Check's summary, removes the folder; what main() returns. */
int run_suite(Suite *suite);

#endif
