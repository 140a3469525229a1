/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of the drop reasons. Constant data, any thread.
 */
#include "conf/drop.h"

static const struct {
    const char *name, *text;
} reasons[] = {
#define X(name, text) {#name, text},
    DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason reason)
{
    return reasons[reason].name;
}

const char *drop_text(enum drop_reason reason)
{
    return reasons[reason].text;
}
