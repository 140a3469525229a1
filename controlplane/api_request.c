/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See api_request.h. What the client wrote is repeated in an error only after quote() made it short and
 * printable.
 */
#include "controlplane/api_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_LEN 40

const struct api_arg_spec api_arg_specs[API_ARG_IDS] = {
#define X(id, name, type, value, help) [API_ARG_ID_##id] = {name, type, value, help},
    API_ARGS(X)
#undef X
};

static const char *quote(const char *text, char buf[QUOTE_LEN])
{
    size_t i;

    for (i = 0; i < QUOTE_LEN - 4 && text[i]; i++)
        buf[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    snprintf(buf + i, QUOTE_LEN - i, "%s", text[i] ? "..." : "");
    return buf;
}

static bool valid_text(const char *text)
{
    size_t n = strlen(text);

    return n > 0 && n < API_TEXT_LEN;
}

static bool read_number(const char *text, uint32_t *out)
{
    size_t n = strspn(text, "0123456789");
    unsigned long long v;

    if (n == 0 || n > 10 || text[n])
        return false;
    v = strtoull(text, NULL, 10);
    *out = (uint32_t)v;
    return v <= UINT32_MAX;
}

static bool read_seconds(const char *text, uint32_t *out)
{
    static const struct {
        char letter;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    size_t n = strlen(text);
    char digits[16];

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (n < 2 || n >= sizeof(digits) || text[n - 1] != units[i].letter)
            continue;
        memcpy(digits, text, n - 1);
        digits[n - 1] = '\0';
        if (!read_number(digits, out) || *out > UINT32_MAX / units[i].seconds)
            return false;
        *out *= units[i].seconds;
        return true;
    }
    return read_number(text, out);
}

static bool read_bytes(const char *text, union api_value *out)
{
    out->bytes.n = 0;
    while (*text) {
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

        if (high < 0 && strchr(": .-", *text)) {
            text++;
            continue;
        }
        if (low < 0 || out->bytes.n == API_BYTES_MAX)
            return false;
        out->bytes.b[out->bytes.n++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return out->bytes.n > 0;
}

bool api_arg_parse(enum api_arg_id id, const char *text, union api_value *out, char err[API_ERR_LEN])
{
    const struct api_arg_spec *spec = &api_arg_specs[id];
    char q[QUOTE_LEN];

    switch (spec->type) {
    case API_ARG_TEXT:
        if (valid_text(text)) {
            memcpy(out->text, text, strlen(text) + 1);
            return true;
        }
        snprintf(err, API_ERR_LEN, "%s must be a name of 1 to %d characters", spec->name, API_TEXT_LEN - 1);
        return false;
    case API_ARG_BYTES:
        if (read_bytes(text, out))
            return true;
        snprintf(err, API_ERR_LEN, "%s must be 1 to %d bytes in hexadecimal", spec->name, API_BYTES_MAX);
        return false;
    case API_ARG_PATH:
        if (*text)
            return true;
        snprintf(err, API_ERR_LEN, "%s must be the path of a file", spec->name);
        return false;
    case API_ARG_MAC:
        if (mac_parse(text, &out->mac))
            return true;
        snprintf(err, API_ERR_LEN, "%s must be a MAC address like 02:00:5e:10:00:01, not \"%s\"", spec->name,
                 quote(text, q));
        return false;
    case API_ARG_ADDRESS:
        if (ipaddr_parse(text, &out->address))
            return true;
        snprintf(err, API_ERR_LEN, "%s must be an IPv4 or IPv6 address, not \"%s\"", spec->name,
                 quote(text, q));
        return false;
    case API_ARG_NUMBER:
        if (read_number(text, &out->number))
            return true;
        snprintf(err, API_ERR_LEN, "%s must be a whole number, not \"%s\"", spec->name, quote(text, q));
        return false;
    case API_ARG_SECONDS:
        if (read_seconds(text, &out->number))
            return true;
        snprintf(err, API_ERR_LEN, "%s must be a time like 60, 60s, 5m or 1h, not \"%s\"", spec->name,
                 quote(text, q));
        return false;
    case API_ARG_CONFIG:
        out->config = text;
        if (strlen(text) <= API_CONFIG_MAX)
            return true;
        snprintf(err, API_ERR_LEN, "%s has more than %u bytes", spec->name, API_CONFIG_MAX);
        return false;
    default:
        snprintf(err, API_ERR_LEN, "%s takes no text", spec->name);
        return false;
    }
}

static bool read_value(enum api_arg_id id, const cJSON *item, union api_value *out, char err[API_ERR_LEN])
{
    const struct api_arg_spec *spec = &api_arg_specs[id];

    switch (spec->type) {
    case API_ARG_FLAG:
        if (!cJSON_IsBool(item)) {
            snprintf(err, API_ERR_LEN, "%s must be true or false", spec->name);
            return false;
        }
        out->flag = cJSON_IsTrue(item);
        return true;
    case API_ARG_SECONDS:
        if (cJSON_IsString(item))
            return api_arg_parse(id, item->valuestring, out, err);
        /* fallthrough */
    case API_ARG_NUMBER:
        if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= UINT32_MAX) ||
            item->valuedouble != (double)(uint32_t)item->valuedouble) {
            snprintf(err, API_ERR_LEN, "%s must be a whole number from 0 to %u", spec->name, UINT32_MAX);
            return false;
        }
        out->number = (uint32_t)item->valuedouble;
        return true;
    default:
        if (!cJSON_IsString(item)) {
            snprintf(err, API_ERR_LEN, "%s must be a string", spec->name);
            return false;
        }
        return api_arg_parse(id, item->valuestring, out, err);
    }
}

static int find_arg(const char *name)
{
    for (int i = 0; i < API_ARG_IDS; i++)
        if (strcmp(api_arg_specs[i].name, name) == 0)
            return i;
    return -1;
}

/* Every member but "cmd" must be an argument that this command takes, once. */
static bool read_args(const struct api_command *command, const cJSON *request, struct api_args *args,
                      char err[API_ERR_LEN])
{
    const cJSON *item;
    char q[QUOTE_LEN];

    args->given = 0;
    cJSON_ArrayForEach(item, request)
    {
        int id;

        if (strcmp(item->string, "cmd") == 0)
            continue;
        id = find_arg(item->string);
        if (id < 0 || !(command->args & UINT64_C(1) << id)) {
            snprintf(err, API_ERR_LEN, "\"%s\" takes no argument \"%s\"", command->name,
                     quote(item->string, q));
            return false;
        }
        if (args->given & UINT64_C(1) << id) {
            snprintf(err, API_ERR_LEN, "%s is given twice", api_arg_specs[id].name);
            return false;
        }
        if (!read_value((enum api_arg_id)id, item, &args->value[id], err))
            return false;
        args->given |= UINT64_C(1) << id;
    }
    return true;
}

static const struct api_command *find_command(const struct api_command *commands, size_t n,
                                              const cJSON *request, char err[API_ERR_LEN])
{
    const cJSON *cmd = NULL, *item;
    char q[QUOTE_LEN];

    cJSON_ArrayForEach(item, request)
    {
        if (strcmp(item->string, "cmd") != 0)
            continue;
        if (cmd) {
            snprintf(err, API_ERR_LEN, "cmd is given twice");
            return NULL;
        }
        cmd = item;
    }
    if (!cJSON_IsString(cmd)) {
        snprintf(err, API_ERR_LEN, "the request has no \"cmd\" string, as in {\"cmd\":\"show status\"}");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i].name, cmd->valuestring) == 0)
            return &commands[i];
    snprintf(err, API_ERR_LEN, "no command \"%s\"", quote(cmd->valuestring, q));
    return NULL;
}

static cJSON *parse_line(const char *line, size_t len, char err[API_ERR_LEN])
{
    const char *end = NULL;
    cJSON *request = NULL;

    /* A NUL would end the line early for cJSON's strings and for ours. */
    if (!memchr(line, '\0', len))
        request = cJSON_ParseWithLengthOpts(line, len, &end, false);
    if (request)
        while (end < line + len && (*end == ' ' || *end == '\t' || *end == '\r'))
            end++;
    if (!request || end != line + len) {
        snprintf(err, API_ERR_LEN, "the request is not one JSON object on one line");
    } else if (!cJSON_IsObject(request)) {
        snprintf(err, API_ERR_LEN, "the request is JSON, but not an object");
    } else {
        return request;
    }
    cJSON_Delete(request);
    return NULL;
}

/* result may be NULL (no memory). */
char *api_result_reply(cJSON *result)
{
    cJSON *reply = cJSON_CreateObject();
    char *text = NULL;

    if (result && reply && cJSON_AddTrueToObject(reply, "ok") &&
        cJSON_AddItemToObject(reply, "result", result)) {
        result = NULL;
        text = cJSON_PrintUnformatted(reply);
    }
    cJSON_Delete(result);
    cJSON_Delete(reply);
    return text;
}

char *api_error_reply(const char *sentence)
{
    cJSON *reply = cJSON_CreateObject();
    char *text = NULL;

    if (reply && cJSON_AddFalseToObject(reply, "ok") && cJSON_AddStringToObject(reply, "error", sentence))
        text = cJSON_PrintUnformatted(reply);
    cJSON_Delete(reply);
    return text;
}

/* NULL: no reply yet (*later), or an error (a sentence in err, or none: no memory). */
static char *call_handler(const struct api_command *command, void *ctx, const struct api_args *args,
                          bool *later, char err[API_ERR_LEN])
{
    cJSON *result = cJSON_CreateObject();
    int rc = result ? command->handler(ctx, args, result, err) : -ENOMEM;

    if (rc == 0)
        return api_result_reply(result);
    cJSON_Delete(result);
    *later = rc == API_LATER;
    return NULL;
}

char *api_answer_call(const struct api_command *commands, size_t n_commands, void *ctx, const char *line,
                      size_t len, uint64_t call, bool *later)
{
    char err[API_ERR_LEN] = "";
    const struct api_command *command;
    struct api_args args;
    char *reply = NULL;
    cJSON *request = parse_line(line, len, err);

    *later = false;
    args.call = call;
    command = request ? find_command(commands, n_commands, request, err) : NULL;
    if (command && read_args(command, request, &args, err))
        reply = call_handler(command, ctx, &args, later, err);
    cJSON_Delete(request);
    return reply || *later ? reply : api_error_reply(err[0] ? err : "not enough memory");
}

char *api_answer(const struct api_command *commands, size_t n_commands, void *ctx, const char *line,
                 size_t len)
{
    bool later;
    char *reply = api_answer_call(commands, n_commands, ctx, line, len, 0, &later);

    return later ? api_error_reply("this command needs a connection to answer on") : reply;
}
