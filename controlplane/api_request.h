/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One request line to one reply line: parses {"cmd":"show macs","network":"web"}, checks it against a table
 * of commands, calls the handler, and prints {"ok":true,"result":{...}} or {"ok":false,"error":"sentence"}.
 *
 * Knows neither sockets nor the gateway, so it can be tried and fuzzed alone. The line comes from whoever may
 * open the socket: any bytes at all. cJSON bounds the nesting itself (CJSON_NESTING_LIMIT).
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_API_REQUEST_H
#define CONTROLPLANE_API_REQUEST_H

#include "conf/types.h"
#include "controlplane/api_commands.h"

#include <cjson/cJSON.h>

#define API_ERR_LEN    256
#define API_CONFIG_MAX (1u << 20) /* bytes of a configuration */
#define API_LINE_MAX   (2u << 20) /* bytes of a request, newline not counted */
#define API_TEXT_LEN   64         /* a text argument, end included */
#define API_BYTES_MAX  256

union api_value {
    char text[API_TEXT_LEN];
    struct {
        uint8_t b[API_BYTES_MAX];
        uint16_t n;
    } bytes;
    struct mac mac;
    struct ipaddr address;
    uint32_t number;
    bool flag;
    const char *config; /* holds until the handler returns */
};

struct api_args {
    uint64_t given; /* API_TAKES() bits */
    uint64_t call;  /* names this call, for API_LATER and api_watch(); 0: neither can be done */
    union api_value value[API_ARG_IDS];
};

/* The value of a given argument, or NULL. */
#define api_arg(args, id) ((args)->given & API_TAKES(id) ? &(args)->value[API_ARG_ID_##id] : NULL)

/* Whether a flag is given and true. */
#define api_flag(args, id) ((args)->given & API_TAKES(id) && (args)->value[API_ARG_ID_##id].flag)

#define API_LATER 1

/* Fills result (an object) and returns 0; or returns -errno with a sentence in err; or API_LATER: api_reply()
 * answers args->call, some seconds later at most. */
typedef int (*api_handler_fn)(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN]);

struct api_command {
    const char *name;
    uint64_t args; /* API_TAKES() bits */
    const char *help;
    api_handler_fn handler;
    uint64_t words; /* API_TAKES() bits of those that may be bare words; for causewayctl */
};

struct api_arg_spec {
    const char *name;
    enum api_arg_type type;
    const char *value; /* placeholder in help */
    const char *help;
};
extern const struct api_arg_spec api_arg_specs[API_ARG_IDS];

/* Text to value, for the server and for causewayctl alike. False with a sentence in err. */
bool api_arg_parse(enum api_arg_id id, const char *text, union api_value *out, char err[API_ERR_LEN]);

/* Returns the reply, one line without its newline, to be released with cJSON_free(); NULL without memory. */
char *api_answer(const struct api_command *commands, size_t n_commands, void *ctx, const char *line,
                 size_t len);
/* The same for a call that has a number: *later: there is no reply yet (and NULL is returned). */
char *api_answer_call(const struct api_command *commands, size_t n_commands, void *ctx, const char *line,
                      size_t len, uint64_t call, bool *later);
/* The reply that carries an error, or a result, which is taken. The same ownership. */
char *api_error_reply(const char *sentence);
char *api_result_reply(cJSON *result);

#endif
