/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_reload.h; and the view of both. One thread.
 */
#include "controlplane/ctl_reload.h"

#include "conf/conf.h"
#include "controlplane/api_request.h"
#include "controlplane/ctl_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_text(const char *file)
{
    char *text = malloc(API_CONFIG_MAX + 2);
    FILE *f = text ? fopen(file, "re") : NULL;
    size_t n = f ? fread(text, 1, API_CONFIG_MAX + 1, f) : 0;

    if (!f || ferror(f) || n > API_CONFIG_MAX) {
        fprintf(stderr, "%s: %s\n", file, f && !ferror(f) ? "has more than 1 MiB" : strerror(errno));
        free(text);
        text = NULL;
    } else {
        text[n] = '\0';
    }
    if (f)
        fclose(f);
    return text;
}

char *ctl_reload_read(const char *file)
{
    struct conf_errors errors = {0};
    char *text = read_text(file);
    struct conf *conf = text ? conf_load_string(file, text, strlen(text), &errors) : NULL;

    for (size_t i = 0; i < errors.n; i++) {
        ctl_put(stderr, errors.text[i], false);
        putc('\n', stderr);
    }
    conf_errors_free(&errors);
    if (!conf) {
        free(text);
        return NULL;
    }
    conf_free(conf);
    return text;
}

int ctl_reload_status(const cJSON *answer)
{
    if (!view_member(answer, "errors"))
        return EXIT_SUCCESS;
    if (view_number(answer, "restart") > 0)
        return CTL_EXIT_RESTART;
    return cJSON_GetArraySize(view_member(answer, "errors")) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the view */

static void say(struct ctl_show *s, const char *text)
{
    ctl_put(s->out, text, false);
}

static void print_change(struct ctl_show *s, const cJSON *c)
{
    const char *kind = view_text(c, "change"), *from = view_text(c, "from"), *to = view_text(c, "to");
    const char *restart = view_text(c, "restart"), *path = view_text(c, "path");

    say(s, kind && strcmp(kind, "added") == 0 ? "+ " : kind && strcmp(kind, "removed") == 0 ? "- " : "~ ");
    say(s, path ? path : "?");
    if (from || to)
        say(s, ": ");
    say(s, from ? from : "");
    if (from && to)
        say(s, " -> ");
    say(s, to ? to : "");
    if (restart) {
        say(s, "\n    needs a restart: ");
        say(s, restart);
    }
    putc('\n', s->out);
}

static void print_all(struct ctl_show *s, const cJSON *lines, const char *before)
{
    const cJSON *line;

    for (line = lines ? lines->child : NULL; line; line = line->next) {
        say(s, before);
        say(s, cJSON_IsString(line) ? line->valuestring : "?");
        putc('\n', s->out);
    }
}

void view_reload(struct ctl_show *s, const cJSON *r, bool last)
{
    const cJSON *changes = view_member(r, "changes"), *applied = view_member(r, "applied"), *c;

    (void)last;
    for (c = changes ? changes->child : NULL; c; c = c->next)
        print_change(s, c);
    if (view_number(r, "more") > 0)
        fprintf(s->out, "  ... and %.0f more\n", view_number(r, "more"));
    print_all(s, view_member(r, "errors"), "");
    print_all(s, view_member(r, "warnings"), "warning: ");
    if (view_number(r, "restart") > 0 && !applied)
        fprintf(s->out, "%.0f of it needs a restart: a reload would refuse it all\n",
                view_number(r, "restart"));
    else if (cJSON_IsFalse(applied))
        fprintf(s->out, "refused: configuration %.0f stays in force\n", view_number(r, "generation"));
    else if (cJSON_GetArraySize(changes) == 0 && cJSON_GetArraySize(view_member(r, "errors")) == 0)
        fprintf(s->out, "no difference to configuration %.0f, which is in force\n",
                view_number(r, "generation"));
    else if (cJSON_IsTrue(applied))
        fprintf(s->out, "configuration %.0f is in force\n", view_number(r, "generation"));
}
