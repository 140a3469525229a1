/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libbpf's and libxdp's messages; see xdp_message.h. Control thread only.
 */
#include "ebpf/xdp_message.h"

#include "conf/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

static char last_warning[160];

static void keep_message(bool warning, const char *fmt, va_list ap)
{
    char text[512];
    size_t n;

    vsnprintf(text, sizeof(text), fmt, ap);
    for (n = strlen(text); n > 0 && strchr("\n. ", text[n - 1]); n--)
        text[n - 1] = '\0';
    if (n == 0)
        return;
    if (warning)
        snprintf(last_warning, sizeof(last_warning), "%.*s", (int)sizeof(last_warning) - 1, text);
    log_debug("xdp", "%s", text);
}

__attribute__((format(printf, 2, 0))) static int on_libbpf_message(enum libbpf_print_level level,
                                                                   const char *fmt, va_list ap)
{
    if (level != LIBBPF_DEBUG)
        keep_message(level == LIBBPF_WARN, fmt, ap);
    return 0;
}

__attribute__((format(printf, 2, 0))) static int on_libxdp_message(enum libxdp_print_level level,
                                                                   const char *fmt, va_list ap)
{
    if (level != LIBXDP_DEBUG)
        keep_message(level == LIBXDP_WARN, fmt, ap);
    return 0;
}

void xdp_message_clear(void)
{
    libbpf_set_print(on_libbpf_message);
    libxdp_set_print(on_libxdp_message);
    last_warning[0] = '\0';
}

const char *xdp_message_reason(int rc)
{
    return last_warning[0] ? last_warning : strerror(-rc);
}
