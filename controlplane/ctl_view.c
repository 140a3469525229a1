/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_view.h. One thread.
 */
#include "controlplane/ctl_view.h"

#include <stdlib.h>

#define LABEL_WIDTH 16 /* with the gap */

/* ---- reading members */

const cJSON *view_member(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

const char *view_text(const cJSON *o, const char *name)
{
    const cJSON *item = view_member(o, name);

    return cJSON_IsString(item) ? item->valuestring : NULL;
}

double view_number(const cJSON *o, const char *name)
{
    const cJSON *item = view_member(o, name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool view_true(const cJSON *o, const char *name)
{
    return cJSON_IsTrue(view_member(o, name));
}

/* ---- filling cells */

void view_cell(struct ctl_table *t, const cJSON *o, const char *name)
{
    ctl_table_cell(t, view_text(o, name));
}

void view_cell_number(struct ctl_table *t, const cJSON *o, const char *name)
{
    char buf[CTL_NUMBER_LEN];

    ctl_table_cell(t, cJSON_IsNumber(view_member(o, name)) ? ctl_grouped(view_number(o, name), buf) : NULL);
}

void view_cell_plain(struct ctl_table *t, const cJSON *o, const char *name)
{
    char buf[CTL_NUMBER_LEN];

    snprintf(buf, sizeof(buf), "%.0f", view_number(o, name));
    ctl_table_cell(t, cJSON_IsNumber(view_member(o, name)) ? buf : NULL);
}

void view_cell_units(struct ctl_table *t, double v)
{
    char buf[CTL_NUMBER_LEN];

    ctl_table_cell(t, ctl_units(v, buf));
}

void view_cell_count(struct ctl_table *t, const cJSON *o, const char *name)
{
    view_cell_units(t, view_number(view_member(o, name), "frames"));
    view_cell_units(t, view_number(view_member(o, name), "bytes"));
}

void view_cell_age(struct ctl_table *t, const cJSON *o, const char *name)
{
    char buf[CTL_NUMBER_LEN];

    ctl_table_cell(t, cJSON_IsNumber(view_member(o, name)) ? ctl_duration(view_number(o, name), buf) : NULL);
}

/* null: untagged */
void view_cell_vlan(struct ctl_table *t, const cJSON *o)
{
    if (cJSON_IsNull(view_member(o, "vlan"))) {
        ctl_table_cell(t, "untagged");
    } else {
        view_cell_plain(t, o, "vlan");
    }
}

/* "12" or "12/500" */
void view_cell_macs(struct ctl_table *t, const cJSON *o)
{
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], buf[2 * CTL_NUMBER_LEN + 1];

    if (!cJSON_IsNumber(view_member(o, "macs"))) {
        ctl_table_cell(t, NULL);
        return;
    }
    ctl_grouped(view_number(o, "macs"), a);
    snprintf(buf, sizeof(buf), "%s/%s", a, ctl_grouped(view_number(o, "mac_limit"), b));
    ctl_table_cell(t, cJSON_IsNumber(view_member(o, "mac_limit")) ? buf : a);
}

/* ---- "label  value" lines */

void view_line(struct ctl_show *s, const char *label, const char *value)
{
    char *safe = ctl_safe(value && *value ? value : "-", false);
    size_t room = s->width > 2 * LABEL_WIDTH ? s->width - LABEL_WIDTH : ctl_width(safe);

    fprintf(s->out, "%-*s  ", LABEL_WIDTH - 2, label);
    ctl_put_wrapped(s->out, safe, room, LABEL_WIDTH);
    fputc('\n', s->out);
    free(safe);
}

void view_line_of(struct ctl_show *s, const char *label, double n, double of, const char *what)
{
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    snprintf(buf, sizeof(buf), "%s of %s %s", ctl_grouped(n, a), ctl_grouped(of, b), what);
    view_line(s, label, buf);
}

void view_line_number(struct ctl_show *s, const char *label, double n, const char *what)
{
    char a[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    snprintf(buf, sizeof(buf), "%s%s", ctl_grouped(n, a), what);
    view_line(s, label, buf);
}
