/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: any bytes as a configuration. They load or give messages; what loads prints to something that
 * loads and prints the same again, and masked to something that has no password and then does not load.
 */
#include "conf/conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(void (*how)(const struct conf *c, FILE *out), const struct conf *c, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);

    if (!f)
        abort();
    how(c, f);
    fclose(f);
    return text;
}

/* A result is a configuration or messages, never both, never none. */
static void check_result(const struct conf *c, const struct conf_errors *errors)
{
    if ((c != NULL) != (errors->n == 0))
        abort();
    for (size_t i = 0; i < errors->n; i++) {
        unsigned line, col;

        if (sscanf(errors->text[i], "fuzz:%u:%u: ", &line, &col) != 2 || line == 0 || col == 0 ||
            strchr(errors->text[i], '\n'))
            abort();
    }
}

static void check_masked(const struct conf *c, const char *text)
{
    struct conf_errors errors;
    struct conf *again;
    char *masked;
    size_t len, passwords = 0;

    masked = print(conf_print_masked, c, &len);
    for (size_t i = 0; i < c->bgp.n_peers; i++)
        passwords += c->bgp.peers[i].password[0] != '\0';
    again = conf_load_string("fuzz", masked, len, &errors);
    check_result(again, &errors);
    if (errors.n != passwords || (passwords == 0 && strcmp(text, masked) != 0))
        abort();
    conf_errors_free(&errors);
    conf_free(again);
    free(masked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_errors errors;
    struct conf *c = conf_load_string("fuzz", (const char *)data, size, &errors), *again;
    size_t len, len_again;
    char *text, *text_again;

    check_result(c, &errors);
    conf_errors_free(&errors);
    if (!c)
        return 0;
    text = print(conf_print, c, &len);
    again = conf_load_string("fuzz", text, len, &errors);
    check_result(again, &errors);
    if (!again) {
        fprintf(stderr, "printed configuration does not load: %s\n%s", errors.text[0], text);
        abort();
    }
    text_again = print(conf_print, again, &len_again);
    if (len != len_again || memcmp(text, text_again, len) != 0)
        abort();
    check_masked(c, text);
    free(text);
    free(text_again);
    conf_errors_free(&errors);
    conf_free(c);
    conf_free(again);
    return 0;
}
