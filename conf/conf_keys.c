/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every key that there is, from the tables that read them (conf_yaml.c). Control thread only.
 */
#include "conf/conf_yaml.h"

#include <stdio.h>

#define PATH_LEN 128

static void print_schema(FILE *out, const char *path, const struct conf_schema *schema);

/* A list's items that are mappings have keys of their own; others are said with the list. */
static void print_field(FILE *out, const char *before, const struct conf_field *f)
{
    const struct conf_schema *map = f->map ? f->map : f->item ? f->item->map : NULL;
    char path[PATH_LEN], what[CONF_EXPECT_LEN];

    snprintf(path, sizeof(path), "%s%s%s%s", before, *before ? "." : "", f->key, f->item ? "[]" : "");
    if (!map || f->read != conf_read_map)
        fprintf(out, "%-38s  %s%s\n", path, conf_expected(f->item && !map ? f->item : f, what),
                f->required ? "; required" : "");
    if (map)
        print_schema(out, path, map);
}

static void print_schema(FILE *out, const char *path, const struct conf_schema *schema)
{
    for (size_t i = 0; i < schema->n_fields; i++)
        print_field(out, path, &schema->fields[i]);
}

void conf_keys_print(FILE *out)
{
    print_schema(out, "", &conf_yaml_root);
}
