/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl reload, and diff: what a reload would do. Control thread only.
 */
#include "controlplane/cmd.h"
#include "controlplane/reload.h"

#include <errno.h>
#include <stdio.h>

static int need_reload(const struct gateway *g, char err[API_ERR_LEN])
{
    if (g->reload)
        return 0;
    snprintf(err, API_ERR_LEN, "the gateway is starting or stopping");
    return -EAGAIN;
}

int cmd_reload(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;

    (void)args;
    if (need_reload(g, err) < 0)
        return -EAGAIN;
    reload_run(g->reload, result);
    return 0;
}

int cmd_diff(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const union api_value *yaml = api_arg(args, YAML);
    const struct gateway *g = ctx;

    if (!yaml) {
        snprintf(err, API_ERR_LEN, "yaml is missing: the text of a configuration");
        return -EINVAL;
    }
    if (need_reload(g, err) < 0)
        return -EAGAIN;
    reload_compare(g->reload, yaml->config, strlen(yaml->config), result);
    return 0;
}
