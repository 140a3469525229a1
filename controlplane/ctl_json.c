/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_json.h. Tricky: cJSON prints bytes above 0x7e as they are and big numbers as 1e+15; both are mended
 * here.
 */
#include "controlplane/ctl_json.h"

#include "controlplane/ctl_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_VALUE, KIND_ARRAY, KIND_TEXT };

struct member {
    struct member *next;
    enum kind kind;
    char *name; /* quoted */
    char *text; /* what is between the brackets or quotes, or the value */
    size_t len;
    FILE *out; /* writes text */
};

struct ctl_json {
    struct member *first, **last;
};

struct ctl_json *ctl_json_new(void)
{
    struct ctl_json *j = ctl_alloc(sizeof(*j));

    j->last = &j->first;
    return j;
}

void ctl_json_free(struct ctl_json *j)
{
    struct member *m, *next;

    if (!j)
        return;
    for (m = j->first; m; m = next) {
        next = m->next;
        if (m->out)
            fclose(m->out);
        free(m->text);
        cJSON_free(m->name);
        free(m);
    }
    free(j);
}

/* Whole numbers as digits: 1000000000000000, not 1e+15. */
static void mend_numbers(cJSON *item)
{
    char digits[CTL_NUMBER_LEN];
    cJSON *child;

    cJSON_ArrayForEach(child, item)
    {
        cJSON *raw;

        if (!cJSON_IsNumber(child)) {
            mend_numbers(child);
            continue;
        }
        if (!(child->valuedouble >= 1e15 && child->valuedouble < 1e20) ||
            child->valuedouble != (double)(uint64_t)child->valuedouble)
            continue;
        snprintf(digits, sizeof(digits), "%.0f", child->valuedouble);
        raw = cJSON_CreateRaw(digits);
        if (!raw)
            continue;
        if (child->string) {
            raw->string = child->string; /* keeps its name */
            child->string = NULL;
        }
        if (cJSON_ReplaceItemViaPointer(item, child, raw))
            child = raw;
    }
}

/* Everything outside of strings is ASCII, so what needs an escape is inside of one. */
static void put_escaped(FILE *out, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end) {
        bool harmless;
        size_t n = ctl_char(text, &harmless);
        const unsigned char *s = (const unsigned char *)text;

        if (harmless) {
            fwrite(text, 1, n, out);
        } else if (n == 1) {
            /* DEL, or no UTF-8 at all */
            fputs(s[0] == 0x7f ? "\\u007f" : "\\ufffd", out);
        } else if (n == 2) {
            fprintf(out, "\\u%04x", (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu));
        } else {
            fprintf(out, "\\u%04x", (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu));
        }
        text += n;
    }
}

static char *print_item(const cJSON *item)
{
    char *text = cJSON_PrintUnformatted(item);

    if (!text) {
        fputs("causewayctl: not enough memory\n", stderr);
        exit(1);
    }
    return text;
}

static struct member *find_member(struct ctl_json *j, const char *quoted)
{
    for (struct member *m = j->first; m; m = m->next)
        if (strcmp(m->name, quoted) == 0)
            return m;
    return NULL;
}

/* Takes quoted. */
static struct member *add_member(struct ctl_json *j, char *quoted, enum kind kind)
{
    struct member *m = ctl_alloc(sizeof(*m));

    m->name = quoted;
    m->kind = kind;
    m->out = open_memstream(&m->text, &m->len);
    if (!m->out) {
        fputs("causewayctl: not enough memory\n", stderr);
        exit(1);
    }
    *j->last = m;
    j->last = &m->next;
    return m;
}

static void add_rows(struct member *m, const cJSON *array)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, array)
    {
        char *text = print_item(row);

        if (ftell(m->out) > 0)
            fputc(',', m->out);
        fputc('\n', m->out);
        put_escaped(m->out, text, strlen(text));
        cJSON_free(text);
    }
}

static char *quote(const char *name)
{
    cJSON *s = cJSON_CreateString(name);
    char *text = s ? print_item(s) : NULL;

    cJSON_Delete(s);
    return text;
}

void ctl_json_page(struct ctl_json *j, cJSON *page)
{
    cJSON *item;

    mend_numbers(page);
    cJSON_ArrayForEach(item, page)
    {
        enum kind kind = cJSON_IsArray(item)                                         ? KIND_ARRAY
                         : cJSON_IsString(item) && strcmp(item->string, "yaml") == 0 ? KIND_TEXT
                                                                                     : KIND_VALUE;
        char *quoted = quote(item->string);
        struct member *m = quoted ? find_member(j, quoted) : NULL;

        if (!quoted || strcmp(item->string, "next") == 0 || (m && (m->kind != kind || kind == KIND_VALUE))) {
            cJSON_free(quoted);
            continue;
        }
        if (m) {
            cJSON_free(quoted);
        } else {
            m = add_member(j, quoted, kind);
        }
        if (kind == KIND_ARRAY) {
            add_rows(m, item);
        } else {
            char *text = print_item(item);
            size_t skip = kind == KIND_TEXT;

            put_escaped(m->out, text + skip, strlen(text) - 2 * skip);
            cJSON_free(text);
        }
    }
}

void ctl_json_print(struct ctl_json *j, FILE *out)
{
    static const char *const before[] = {"", "[", "\""}, *const after[] = {"", "]", "\""};

    fputc('{', out);
    for (struct member *m = j->first; m; m = m->next) {
        fflush(m->out);
        fputs(m == j->first ? "\n" : ",\n", out);
        put_escaped(out, m->name, strlen(m->name));
        fprintf(out, ":%s", before[m->kind]);
        fwrite(m->text, 1, m->len, out);
        fputs(after[m->kind], out);
    }
    fputs("\n}\n", out);
}
