/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A reason for the operator and an error for the caller, in one line.
 */
#ifndef EBPF_FAIL_H
#define EBPF_FAIL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Returns rc. */
__attribute__((format(printf, 4, 5))) static inline int fail(char *err, size_t err_len, int rc,
                                                             const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, err_len, fmt, ap);
    va_end(ap);
    return rc;
}

#endif
