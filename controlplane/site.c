/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See site.h. Control thread only.
 */
#include "controlplane/site.h"

#include <errno.h>
#include <stdio.h>

static const struct conf_site *by_vtep(const struct conf *conf, const struct ipaddr *vtep)
{
    for (size_t i = 0; i < conf->n_sites; i++)
        for (size_t j = 0; j < conf->sites[i].n_vteps; j++)
            if (ipaddr_eq(&conf->sites[i].vteps[j], vtep))
                return &conf->sites[i];
    return NULL;
}

const char *site_name(const struct conf *conf, const struct ipaddr *vtep)
{
    const struct conf_site *s = by_vtep(conf, vtep);

    if (ipaddr_eq(vtep, &conf->underlay.address))
        return conf->site;
    return s ? s->name : "";
}

static void say_what_there_is(const struct conf *conf, const char *text, char *err, size_t err_len)
{
    int n = snprintf(err, err_len, "no site \"%s\": there are %s (this one)", text, conf->site);

    for (size_t i = 0; i < conf->n_sites && n > 0 && (size_t)n < err_len; i++)
        n += snprintf(err + n, err_len - (size_t)n, ", %s", conf->sites[i].name);
    if (conf->n_sites == 0 && n > 0 && (size_t)n < err_len)
        snprintf(err + n, err_len - (size_t)n, "; name others in `sites`, or give a VTEP's address");
}

int site_find(const struct conf *conf, const char *text, struct site *out, char *err, size_t err_len)
{
    *out = (struct site){.name = ""};
    if (ipaddr_parse(text, &out->one)) {
        out->own = ipaddr_eq(&out->one, &conf->underlay.address);
        out->name = site_name(conf, &out->one);
        out->vteps = &out->one;
        out->n_vteps = 1;
        return 0;
    }
    if (strcmp(text, conf->site) == 0) {
        *out = (struct site){.name = conf->site, .own = true, .vteps = &conf->underlay.address, .n_vteps = 1};
        return 0;
    }
    for (size_t i = 0; i < conf->n_sites; i++) {
        const struct conf_site *s = &conf->sites[i];

        if (strcmp(text, s->name) != 0)
            continue;
        *out = (struct site){.name = s->name, .vteps = s->vteps, .n_vteps = s->n_vteps};
        return 0;
    }
    say_what_there_is(conf, text, err, err_len);
    return -ENOENT;
}
