/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as requests of the API, one a line. Every one must get one line that is a well-formed reply, and
 * what a handler is given must be within the bounds of api_request.h.
 */
#include "controlplane/api_request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static int handler(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    (void)err;
    require((args->given & ~*(const uint64_t *)ctx) == 0);
    if (api_arg(args, NETWORK)) {
        size_t n = strnlen(api_arg(args, NETWORK)->text, API_TEXT_LEN);

        require(n > 0 && n < API_TEXT_LEN);
        cJSON_AddStringToObject(result, "network", api_arg(args, NETWORK)->text);
    }
    if (api_arg(args, CURSOR)) {
        size_t n = strnlen(api_arg(args, CURSOR)->text, API_TEXT_LEN);

        require(n > 0 && n < API_TEXT_LEN);
    }
    if (api_arg(args, VTEP))
        require(api_arg(args, VTEP)->address.family == 4 || api_arg(args, VTEP)->address.family == 6);
    return 0;
}

#define X(id, name, args, words, help) {name, args, help, handler, words},
static const struct api_command commands[] = {API_COMMANDS(X)};
#undef X

static void try_line(const char *line, size_t len)
{
    uint64_t all = (UINT64_C(1) << API_ARG_IDS) - 1;
    char *reply = api_answer(commands, sizeof(commands) / sizeof(commands[0]), &all, line, len);
    const cJSON *ok;
    cJSON *json;

    require(reply && !strchr(reply, '\n'));
    json = cJSON_Parse(reply);
    ok = cJSON_GetObjectItemCaseSensitive(json, "ok");
    require(cJSON_IsTrue(ok) ? cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "result"))
                             : cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "error")));
    cJSON_Delete(json);
    cJSON_free(reply);
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
