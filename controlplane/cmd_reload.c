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

static int later(int rc, char err[API_ERR_LEN])
{
    if (rc == 0)
        return API_LATER;
    snprintf(err, API_ERR_LEN, "%s", strerror(-rc));
    return rc;
}

int cmd_reload(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;

    (void)result;
    if (need_reload(g, err) < 0)
        return -EAGAIN;
    return later(reload_run(g->reload, args->call), err);
}

int cmd_diff(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const union api_value *yaml = api_arg(args, YAML);
    const struct gateway *g = ctx;

    (void)result;
    if (!yaml) {
        snprintf(err, API_ERR_LEN, "yaml is missing: the text of a configuration");
        return -EINVAL;
    }
    if (need_reload(g, err) < 0)
        return -EAGAIN;
    return later(reload_compare(g->reload, args->call, yaml->config, strlen(yaml->config)), err);
}
