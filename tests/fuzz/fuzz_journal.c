/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as lines of the journal's file. What is taken for an entry must be written and read again as the
 * same.
 */
#include "controlplane/journal_text.h"
#include "tests/unit/journal_sample.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_line(const char *line, size_t len)
{
    struct journal_entry e, again;
    char *text;

    if (!journal_parse(line, len, &e))
        return;
    text = journal_line(&e);
    require(text && journal_parse(text, strlen(text) - 1, &again));
    require(same_entry(&e, &again));
    cJSON_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((newline ? newline : end) - text);
        /* A copy of just that size, so that reading past it is seen. */
        char *line = malloc(len ? len : 1);

        require(line);
        memcpy(line, text, len);
        try_line(line, len);
        free(line);
        text += len + 1;
    }
    return 0;
}
