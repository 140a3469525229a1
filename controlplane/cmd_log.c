/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The command about the log: log level. Control thread only.
 */
#include "controlplane/cmd.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>

int cmd_log_level(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const union api_value *name = api_arg(args, LEVEL);
    enum log_level level;

    (void)ctx;
    if (name && !log_level_parse(name->text, &level)) {
        snprintf(err, API_ERR_LEN, "no such level; it is one of debug, info, warning and error");
        return -EINVAL;
    }
    if (name && level != log_get_level()) {
        /* Said at the more talkative of the two. */
        if (level > log_get_level())
            log_set_level(level);
        log_info("causewayd", "the log level is now %s", name->text);
        log_set_level(level);
    }
    json_text(result, "level", log_level_name(log_get_level()));
    json_text(result, "format", log_get_format() == LOG_FORMAT_JSON ? "json" : "text");
    return 0;
}
