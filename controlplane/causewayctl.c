/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl: asks a running causewayd over its API socket. Commands and options come from api_commands.h,
 * so help and checks follow a new command by themselves.
 *
 * Exit status: 0 done, 1 the daemon cannot be reached or refused, 2 the command line is wrong, 3 of reload
 * and diff: something needs a restart; of "doctor": 0 all is well, 1 warnings, 2 problems. One thread.
 */
#include "conf/conf.h"
#include "conf/version.h"
#include "controlplane/api_request.h"
#include "controlplane/ctl_capture.h"
#include "controlplane/ctl_client.h"
#include "controlplane/ctl_doctor.h"
#include "controlplane/ctl_event.h"
#include "controlplane/ctl_fastpath.h"
#include "controlplane/ctl_json.h"
#include "controlplane/ctl_pages.h"
#include "controlplane/ctl_rehearse.h"
#include "controlplane/ctl_reload.h"
#include "controlplane/ctl_show.h"
#include "controlplane/ctl_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define NAME_LEN   128
#define MAX_WORDS  8

static const struct api_command commands[] = {
#define X(id, name, args, words, help) {name, args, help, NULL, words},
    API_COMMANDS(X)
#undef X
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* What the command line says. */
struct line {
    const char *socket;
    bool json, help, version;
    char words[NAME_LEN];            /* "show macs" */
    const char *option[API_ARG_IDS]; /* text of each option given, else NULL; "" for a flag */
    const char *word[MAX_WORDS];     /* the same words, one by one */
    unsigned n_words;
};

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* On stderr, made harmless: the text may hold what the daemon said. */
static void complain(const char *fmt, ...)
{
    char buf[2 * CTL_ERR_LEN];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    fputs("causewayctl: ", stderr);
    ctl_put(stderr, buf, false);
    fputc('\n', stderr);
}

/* ---- help */

static bool option_shown(uint64_t args, int id)
{
    return (args & UINT64_C(1) << id) && api_arg_specs[id].help[0];
}

static void help_globals(FILE *out)
{
    fprintf(out, "\nOptions, anywhere on the line:\n"
                 "  -s, --socket PATH  the daemon's socket (else $CAUSEWAY_SOCKET, else\n"
                 "                     " CONF_API_SOCKET ")\n"
                 "  -j, --json         the answer as JSON, complete and with exact numbers\n"
                 "  -h, --help         help: for all, or for the command before it\n"
                 "  -V, --version      the version, the build, and the library that it runs with\n"
                 "\nExit status:\n"
                 "  0  done\n"
                 "  1  the daemon cannot be reached, or it refused; stderr says why\n"
                 "  2  wrong usage\n"
                 "  3  reload, diff: a change needs a restart; nothing was changed\n"
                 "Of \"doctor\": 0 all is well, 1 warnings, 2 problems.\n");
}

static void help_command(const struct api_command *c, FILE *out)
{
    bool any = false;

    fprintf(out, "causewayctl %s", c->name);
    for (int i = 0; i < API_ARG_IDS; i++)
        if (c->words & UINT64_C(1) << i)
            fprintf(out, " [%s]", *api_arg_specs[i].value ? api_arg_specs[i].value : api_arg_specs[i].name);
    for (int i = 0; i < API_ARG_IDS; i++)
        if (option_shown(c->args & ~c->words, i))
            fprintf(out, " [--%s%s%s]", api_arg_specs[i].name, *api_arg_specs[i].value ? " " : "",
                    api_arg_specs[i].value);
    fprintf(out, "\n  %s\n", c->help);
    for (int i = 0; i < API_ARG_IDS; i++) {
        char option[NAME_LEN];

        if (!option_shown(c->args, i))
            continue;
        if (c->words & UINT64_C(1) << i)
            snprintf(option, sizeof(option), "%s",
                     *api_arg_specs[i].value ? api_arg_specs[i].value : api_arg_specs[i].name);
        else
            snprintf(option, sizeof(option), "--%s %s", api_arg_specs[i].name, api_arg_specs[i].value);
        fprintf(out, "%s  %-17s  %s\n", any ? "" : "\n", option, api_arg_specs[i].help);
        any = true;
    }
}

/* Commands that begin with these words ("" for all). False when there are none. */
static bool help_list(const char *words, FILE *out)
{
    size_t n = strlen(words);
    bool any = false;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strncmp(commands[i].name, words, n) != 0 || (n && commands[i].name[n] != ' '))
            continue;
        if (!any)
            fputs("Commands:\n", out);
        fprintf(out, "  %-15s  %s\n", commands[i].name, commands[i].help);
        any = true;
    }
    return any;
}

static void help_all(FILE *out)
{
    fputs("Usage: causewayctl [-s SOCKET] [-j] COMMAND [OPTION...]\n\n", out);
    help_list("", out);
    help_globals(out);
    fputs("\n\"causewayctl COMMAND --help\" tells the options of a command.\n", out);
}

/* ---- near matches */

/* Edit distance of two short words. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_LEN + 1];
    size_t n = strlen(b);

    if (n > NAME_LEN)
        return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            unsigned change = diagonal + (a[i] != b[j]);
            unsigned least = row[j] < row[j + 1] ? row[j] : row[j + 1];

            diagonal = row[j + 1];
            row[j + 1] = change < least + 1 ? change : least + 1;
        }
    }
    return row[n];
}

static bool resembles(const char *words, const char *name)
{
    const char *last = strchr(name, ' ');
    size_t n = strlen(words);

    return distance(words, name) <= 2 || (n > 1 && strncmp(name, words, n) == 0) ||
           (last && distance(words, last + 1) <= 1);
}

static int unknown_command(const char *words)
{
    bool any = false;

    complain("no command \"%s\"", words);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!resembles(words, commands[i].name))
            continue;
        fprintf(stderr, "%s \"%s\"", any ? "," : "did you mean", commands[i].name);
        any = true;
    }
    fputs(any ? "?\n" : "\"causewayctl help\" lists the commands\n", stderr);
    return EXIT_USAGE;
}

/* ---- the command line */

static bool add_word(struct line *line, const char *word)
{
    size_t n = strlen(line->words);
    int len = snprintf(line->words + n, sizeof(line->words) - n, "%s%s", n ? " " : "", word);

    if (len >= 0 && (size_t)len < sizeof(line->words) - n && line->n_words < MAX_WORDS) {
        line->word[line->n_words++] = word;
        return true;
    }
    complain("no command is as long as that");
    return false;
}

/* The value of an option: what follows "=", or the next word. */
static const char *option_value(const char *arg, char **argv, int *i)
{
    const char *equals = strchr(arg, '=');

    if (equals)
        return equals + 1;
    if (!argv[*i + 1]) {
        complain("%s needs a value", arg);
        return NULL;
    }
    return argv[++*i];
}

static bool is_option(const char *arg, const char *name)
{
    size_t n = strlen(name);

    return strncmp(arg, name, n) == 0 && (arg[n] == '\0' || arg[n] == '=');
}

/* --network and the like. */
static bool command_option(struct line *line, const char *arg, char **argv, int *i)
{
    for (int id = 0; id < API_ARG_IDS; id++) {
        const struct api_arg_spec *spec = &api_arg_specs[id];

        if (!spec->help[0] || !is_option(arg + 2, spec->name))
            continue;
        if (line->option[id]) {
            complain("--%s is given twice", spec->name);
            return false;
        }
        if (spec->type == API_ARG_FLAG) {
            line->option[id] = "";
            if (!strchr(arg, '='))
                return true;
            complain("--%s takes no value", spec->name);
            return false;
        }
        line->option[id] = option_value(arg, argv, i);
        return line->option[id];
    }
    complain("no option %s; \"causewayctl help\" lists them", arg);
    return false;
}

static bool read_line(struct line *line, char **argv)
{
    for (int i = 1; argv[i]; i++) {
        const char *arg = argv[i];

        if (arg[0] != '-') {
            if (!add_word(line, arg))
                return false;
        } else if (strcmp(arg, "-j") == 0 || strcmp(arg, "--json") == 0) {
            line->json = true;
        } else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
            line->help = true;
        } else if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0) {
            line->version = true;
        } else if (strcmp(arg, "-s") == 0 || is_option(arg, "--socket")) {
            line->socket = option_value(arg, argv, &i);
            if (!line->socket)
                return false;
        } else if (strcmp(arg, "-w") == 0) {
            line->option[API_ARG_ID_WRITE] = option_value(arg, argv, &i);
            if (!line->option[API_ARG_ID_WRITE])
                return false;
        } else if (arg[1] == '-' && arg[2]) {
            if (!command_option(line, arg, argv, &i))
                return false;
        } else {
            complain("no option %s; \"causewayctl help\" lists them", arg);
            return false;
        }
    }
    return true;
}

/* The longest command that the words begin with; *rest is what follows it. */
static const struct api_command *find_command(const char *words, const char **rest)
{
    const struct api_command *best = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t n = strlen(commands[i].name);

        if (n < longest || strncmp(words, commands[i].name, n) != 0 || (words[n] && words[n] != ' '))
            continue;
        best = &commands[i];
        longest = n;
    }
    *rest = words + longest;
    return best;
}

/* One word after the command: a flag's name, or the value of the first argument that may be a bare word and
 * has none yet. */
static bool take_word(const struct api_command *c, struct line *line, const char *word)
{
    int id = -1;

    for (int i = API_ARG_IDS - 1; i >= 0; i--) {
        bool flag = api_arg_specs[i].type == API_ARG_FLAG;

        if (!(c->words & UINT64_C(1) << i) || line->option[i])
            continue;
        if (flag && strcmp(word, api_arg_specs[i].name) == 0) {
            line->option[i] = "";
            return true;
        }
        if (!flag)
            id = i;
    }
    if (id >= 0)
        line->option[id] = word;
    return id >= 0;
}

/* The words after the command, each to its argument. False: one too many; said so, and how it wants to be
 * told. */
static bool take_words(const struct api_command *c, struct line *line, const char *rest)
{
    unsigned first = 1;

    for (const char *p = c->name; *p; p++)
        first += *p == ' ';
    if (!*rest)
        return true;
    for (unsigned i = first; i < line->n_words; i++) {
        if (take_word(c, line, line->word[i]))
            continue;
        complain("\"%s\" is not understood after \"%s\"", line->word[i], c->name);
        help_command(c, stderr);
        return false;
    }
    return true;
}

/* NULL when an option does not belong or is wrong, or a file is: then *status is set. */
static cJSON *build_request(const struct api_command *c, const struct line *line, int *status)
{
    cJSON *request = cJSON_CreateObject();

    cJSON_AddStringToObject(request, "cmd", c->name);
    for (int id = 0; id < API_ARG_IDS; id++) {
        const struct api_arg_spec *spec = &api_arg_specs[id];
        char err[API_ERR_LEN];
        union api_value value;

        if (!line->option[id])
            continue;
        if (!(c->args & UINT64_C(1) << id)) {
            complain("\"%s\" takes no --%s; see \"causewayctl %s --help\"", c->name, spec->name, c->name);
            goto wrong;
        }
        if (spec->type == API_ARG_FLAG) {
            cJSON_AddTrueToObject(request, spec->name);
        } else if (spec->type == API_ARG_CONFIG) {
            char *text = ctl_reload_read(line->option[id]);

            if (!text)
                goto bad_file;
            cJSON_AddStringToObject(request, spec->name, text);
            free(text);
        } else if (api_arg_parse((enum api_arg_id)id, line->option[id], &value, err)) {
            if (spec->type == API_ARG_NUMBER || spec->type == API_ARG_SECONDS) {
                cJSON_AddNumberToObject(request, spec->name, value.number);
            } else {
                cJSON_AddStringToObject(request, spec->name, line->option[id]);
            }
        } else {
            complain("%s%s", c->words & UINT64_C(1) << id ? "" : "--", err);
            goto wrong;
        }
    }
    return request;

wrong:
    *status = EXIT_USAGE;
    cJSON_Delete(request);
    return NULL;

bad_file:
    *status = EXIT_FAILURE;
    cJSON_Delete(request);
    return NULL;
}

/* ---- asking */

/* 0: as wide as it gets. */
static unsigned terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (columns && atoi(columns) > 0)
        return (unsigned)atoi(columns);
    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* A result that is more to come of is asked for until it is there. */
static cJSON *call(struct ctl_client *client, cJSON *request, char err[CTL_ERR_LEN])
{
    cJSON *result = ctl_client_call(client, request, err);
    const cJSON *cmd = cJSON_GetObjectItemCaseSensitive(request, "cmd");

    if (!result || strcmp(cmd->valuestring, "move rehearse") != 0)
        return result;
    cJSON_Delete(result);
    return ctl_rehearse_follow(client, err);
}

/* Asks page after page. False with a sentence in err; else *status may say that all is not well. */
static bool ask(struct ctl_client *client, cJSON *request, struct ctl_json *json, struct ctl_show *show,
                int *status, char err[CTL_ERR_LEN])
{
    for (;;) {
        cJSON *page = call(client, request, err);
        bool more;

        if (!page)
            return false;
        more = ctl_pages_turn(page, request, err);
        if (!more && err[0]) {
            cJSON_Delete(page);
            return false;
        }
        *status = ctl_reload_status(page);
        if (json) {
            ctl_json_page(json, page);
            cJSON_Delete(page);
        } else {
            ctl_show_page(show, page, !more);
        }
        if (!more)
            return true;
    }
}

/* Prints events until the daemon ends, or nobody reads: then false, with a sentence in err. */
static bool follow(struct ctl_client *client, bool json, char err[CTL_ERR_LEN])
{
    for (;;) {
        cJSON *event = ctl_client_event(client, err);
        char *text = event && json ? cJSON_PrintUnformatted(event) : NULL;

        if (!event)
            return false;
        if (text)
            puts(text);
        else if (!json)
            ctl_event_print(stdout, event);
        cJSON_free(text);
        cJSON_Delete(event);
        if (fflush(stdout) != 0) {
            snprintf(err, CTL_ERR_LEN, "cannot write");
            return false;
        }
    }
}

static int run(const struct api_command *c, const struct line *line)
{
    int status = EXIT_SUCCESS, answered = EXIT_SUCCESS;
    cJSON *request = build_request(c, line, &status);
    struct ctl_json *json = line->json ? ctl_json_new() : NULL;
    struct ctl_show *show = ctl_show_new(c->name, terminal_width(), stdout);
    struct ctl_client *client = NULL;
    char err[CTL_ERR_LEN];

    if (request) {
        client = ctl_client_open(line->socket, err);
        status = client && ask(client, request, json, show, &answered, err) ? EXIT_SUCCESS : EXIT_FAILURE;
        if (status == EXIT_SUCCESS && json && strcmp(c->name, "watch") != 0)
            ctl_json_print(json, stdout);
        if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout))) {
            snprintf(err, sizeof(err), "cannot write the answer");
            status = EXIT_FAILURE;
        }
        fflush(stdout);
        if (status == EXIT_SUCCESS && strcmp(c->name, "watch") == 0 && !follow(client, line->json, err))
            status = EXIT_FAILURE;
        if (status != EXIT_SUCCESS)
            complain("%s", err);
        else
            status = answered;
    }
    ctl_client_close(client);
    ctl_show_free(show);
    ctl_json_free(json);
    cJSON_Delete(request);
    return status;
}

static int capture(const struct api_command *c, const struct line *line)
{
    const char *path = line->option[API_ARG_ID_WRITE];
    int status = EXIT_USAGE;
    cJSON *request = build_request(c, line, &status);
    struct ctl_client *client = NULL;
    char err[CTL_ERR_LEN];

    if (request && !path) {
        complain("capture: where to? -w FILE, or -w - for standard output");
    } else if (request) {
        cJSON_DeleteItemFromObjectCaseSensitive(request, api_arg_specs[API_ARG_ID_WRITE].name);
        client = ctl_client_open(line->socket, err);
        status = client && ctl_capture(client, request, path, err) ? EXIT_SUCCESS : EXIT_FAILURE;
        if (status != EXIT_SUCCESS)
            complain("%s", err);
    }
    ctl_client_close(client);
    cJSON_Delete(request);
    return status;
}

static int doctor(const struct api_command *c, const struct line *line)
{
    int status = EXIT_USAGE;
    cJSON *request = build_request(c, line, &status);

    cJSON_Delete(request);
    return request ? ctl_doctor(line->socket, line->option[API_ARG_ID_CONFIG], line->json, terminal_width())
                   : status;
}

static int diff(const struct api_command *c, const struct line *line)
{
    if (line->option[API_ARG_ID_YAML])
        return run(c, line);
    complain("diff: with which FILE?");
    help_command(c, stderr);
    return EXIT_USAGE;
}

/* With --gateway: of one that does not run. */
static int fastpath_detach(const struct api_command *c, const struct line *line)
{
    char err[CTL_ERR_LEN];

    if (!line->option[API_ARG_ID_GATEWAY])
        return run(c, line);
    if (ctl_fastpath_remove(line->option[API_ARG_ID_DIR], line->option[API_ARG_ID_GATEWAY], err,
                            sizeof(err)) == 0) {
        puts(line->json ? "{}" : "detached: nothing is pinned any more");
        return EXIT_SUCCESS;
    }
    complain("%s", err);
    return EXIT_FAILURE;
}

/* ---- which of them */

static const struct {
    const char *name;
    int (*go)(const struct api_command *c, const struct line *line);
} special[] = {
    {"capture", capture}, {"diff", diff}, {"doctor", doctor}, {"fastpath detach", fastpath_detach}};

static int execute(const struct api_command *c, struct line *line, const char *rest)
{
    if (!take_words(c, line, rest))
        return EXIT_USAGE;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
        if (strcmp(c->name, special[i].name) == 0)
            return special[i].go(c, line);
    return run(c, line);
}

/* What is no command, or is to be explained. */
static int explain(const struct api_command *c, struct line *line, const char *rest)
{
    if (c && (!*rest || c->words)) {
        help_command(c, stdout);
        help_globals(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(line->words, "help") == 0 || (line->help && !line->words[0])) {
        help_all(stdout);
        return EXIT_SUCCESS;
    }
    if (!line->words[0]) {
        help_all(stderr);
        return EXIT_USAGE;
    }
    if (strncmp(line->words, "help ", 5) == 0) {
        const char *of = line->words + 5;

        c = find_command(of, &rest);
        memmove(line->words, of, strlen(of) + 1);
        memmove(line->word, line->word + 1, --line->n_words * sizeof(line->word[0]));
        return explain(c, line, line->words + (rest - of));
    }
    if (help_list(line->words, stdout))
        return EXIT_SUCCESS;
    if (c)
        return take_words(c, line, rest) ? EXIT_SUCCESS : EXIT_USAGE;
    return unknown_command(line->words);
}

/* What was to be said could be said, or the status says so. */
static int said(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (status == EXIT_SUCCESS)
        complain("cannot write the answer");
    return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

static int dispatch(struct line *line)
{
    const char *rest;
    const struct api_command *c = find_command(line->words, &rest);

    if (line->version) {
        printf("causewayctl %s (build %s)\ncJSON %s\n", CAUSEWAY_VERSION, version_build(), cJSON_Version());
        return said(EXIT_SUCCESS);
    }
    return c && !line->help ? execute(c, line, rest) : said(explain(c, line, rest));
}

int main(int argc, char **argv)
{
    const char *env = getenv("CAUSEWAY_SOCKET");
    struct line line = {.socket = env && *env ? env : CONF_API_SOCKET};

    (void)argc;
    return read_line(&line, argv) ? dispatch(&line) : EXIT_USAGE;
}
