/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayd: reads the command line and the configuration, wires gateway and API to one event loop, and turns
 * it until a signal comes. Everything else happens in the parts.
 */
#include "conf/conf.h"
#include "conf/log.h"
#include "conf/version.h"
#include "controlplane/api.h"
#include "controlplane/exporter.h"
#include "controlplane/gateway.h"
#include "controlplane/privilege.h"
#include "controlplane/reload.h"
#include "controlplane/service.h"
#include "dataplane/dp.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <netlink/version.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define ERR_LEN    512
#define SLICE_NS   100000 /* the shortest that the kernel takes */

enum mode { MODE_NONE, MODE_RUN, MODE_CHECK, MODE_PRINT };

struct options {
    enum mode mode;
    const char *file;
    bool verbose;
};

static void usage(FILE *out)
{
    fputs("Usage: causewayd -c FILE [-v]\n"
          "       causewayd --check FILE | --print FILE\n"
          "\n"
          "Stretches VLANs between data centres over VXLAN.\n"
          "\n"
          "  -c, --config FILE  run in the foreground with this configuration\n"
          "      --check FILE   say what is wrong with the configuration, and do nothing else\n"
          "      --print FILE   print the complete effective configuration as YAML\n"
          "      --keys         print every key of the configuration and what it takes\n"
          "  -v, --verbose      log level debug, whatever the configuration says\n"
          "      --version      print the version, the build, and the libraries that it runs with\n"
          "  -h, --help         print this\n"
          "\n"
          "Exit status:\n"
          "  0  stopped by a signal, or the configuration is good\n"
          "  1  failed: the configuration is wrong, or the gateway cannot start or go on; stderr says why\n"
          "  2  wrong usage\n"
          "\n"
          "SIGTERM and SIGINT stop it and detach everything; a second one ends it at once.\n"
          "SIGHUP reads the file again and applies what changed, as causewayctl reload does;\n"
          "the log says what, or why not.\n",
          out);
}

static void version(void)
{
    printf("causewayd %s (build %s)\n%s, libbpf %s, %s, libevent %s, libfyaml %s\nframe path: %s\n",
           CAUSEWAY_VERSION, version_build(), dp_version(), libbpf_version_string() + 1, LIBNL_STRING,
           event_get_version(), conf_yaml_version(), dp_isa());
}

static void set_mode(struct options *o, enum mode mode)
{
    if (o->mode != MODE_NONE) {
        fprintf(stderr, "causewayd: only one of -c, --check and --print\n");
        exit(EXIT_USAGE);
    }
    o->mode = mode;
    o->file = optarg;
}

static void parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"check", required_argument, NULL, 'C'},
        {"print", required_argument, NULL, 'P'},  {"keys", no_argument, NULL, 'K'},
        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int opt;

    while ((opt = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
        switch (opt) {
        case 'c':
            set_mode(o, MODE_RUN);
            break;
        case 'C':
            set_mode(o, MODE_CHECK);
            break;
        case 'P':
            set_mode(o, MODE_PRINT);
            break;
        case 'K':
            conf_keys_print(stdout);
            exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        case 'v':
            o->verbose = true;
            break;
        case 'V':
            version();
            exit(EXIT_SUCCESS);
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default: /* getopt_long() said what is wrong */
            fputs("Try 'causewayd --help'.\n", stderr);
            exit(EXIT_USAGE);
        }
    }
    if (o->mode != MODE_NONE && optind == argc)
        return;
    if (optind < argc)
        fprintf(stderr, "causewayd: what is \"%s\"?\n", argv[optind]);
    usage(stderr);
    exit(EXIT_USAGE);
}

static struct conf *load(const char *file)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(file, &errors);

    for (size_t i = 0; i < errors.n; i++)
        fprintf(stderr, "%s\n", errors.text[i]);
    conf_errors_free(&errors);
    return conf;
}

/* ---- running */

/* A move is a chain of short works, here and at the other gateways, and each begins with a thread that wakes
 * up. Where other programs keep the processors busy, it has to wait until the one that runs has used up its
 * slice, some milliseconds, unless its own slice is shorter (since Linux 6.12; before, this does nothing).
 * The share of the processor stays what it is. Threads inherit it. */
static void ask_for_short_slices(void)
{
    struct { /* sched_setattr(2); no header of the C library has it */
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attr = {.size = sizeof(attr),
              .policy = SCHED_OTHER,
              .nice = getpriority(PRIO_PROCESS, 0),
              .runtime = SLICE_NS};

    /* An operator who started it under another policy knows why. */
    if (sched_getscheduler(0) == SCHED_OTHER && syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
        log_debug("causewayd", "short slices: %s", strerror(errno));
}

struct stop {
    struct event_base *base;
    struct event *term, *intr;
};

static void on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
    struct stop *s = arg;

    (void)what;
    log_info("causewayd", "stopping (%s)", sig == SIGINT ? "SIGINT" : "SIGTERM");
    /* Gives both signals their default action back: a second one ends the process, whatever it hangs on. */
    event_del(s->term);
    event_del(s->intr);
    event_base_loopbreak(s->base);
}

static bool add_signals(struct stop *s, struct event_base *base)
{
    s->base = base;
    s->term = evsignal_new(base, SIGTERM, on_stop_signal, s);
    s->intr = evsignal_new(base, SIGINT, on_stop_signal, s);
    return s->term && s->intr && event_add(s->term, NULL) == 0 && event_add(s->intr, NULL) == 0;
}

static void drop_signals(struct stop *s)
{
    if (s->term)
        event_free(s->term);
    if (s->intr)
        event_free(s->intr);
}

/* The start takes seconds: a signal that comes meanwhile waits for the loop, and stops it in its first turn.
 */
static int serve(const struct conf *conf, const struct options *o, struct event_base *base)
{
    char err[ERR_LEN] = "";
    struct stop stop = {0};
    struct service *service = NULL;
    struct reload *reload = NULL;
    struct gateway *g = NULL;
    struct api *api = NULL;
    struct exporter *exporter = NULL;
    int rc = EXIT_FAILURE;

    if (!add_signals(&stop, base)) {
        snprintf(err, sizeof(err), "out of memory");
        goto out;
    }
    g = gateway_start(base, conf, err, sizeof(err));
    if (!g)
        goto out;
    api = api_start(base, g, conf->api_socket, err, sizeof(err));
    if (!api || exporter_start(base, g, &exporter, err, sizeof(err)) < 0)
        goto out;
    reload = reload_start(base, g, o->file, o->verbose, &exporter);
    service = reload ? service_start(base, g) : NULL;
    if (!service) {
        snprintf(err, sizeof(err), "out of memory");
        goto out;
    }
    log_info("causewayd", "ready");
    if (event_base_dispatch(base) < 0)
        snprintf(err, sizeof(err), "the event loop failed: %s", strerror(errno));
    else
        rc = EXIT_SUCCESS;
out:
    if (rc != EXIT_SUCCESS)
        log_error("causewayd", "%s", err);
    service_stop(service);
    reload_stop(reload);
    exporter_close(exporter);
    if (g)
        g->api = NULL;
    api_stop(api);
    gateway_stop(g);
    reload_free(reload);
    drop_signals(&stop);
    return rc;
}

static int run(const struct conf *conf, const struct options *o)
{
    struct event_base *base;
    int rc;

    log_set_level(o->verbose ? LOG_LEVEL_DEBUG : conf->log_level);
    log_set_format(conf->log_format);
    if (!privilege_check(conf))
        return EXIT_FAILURE;
    rc = privilege_drop(conf);
    if (rc < 0) {
        log_error("causewayd", "rights that are not needed cannot be given up: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    rc = EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    ask_for_short_slices();
    base = event_base_new();
    if (base)
        rc = serve(conf, o, base);
    else
        log_error("causewayd", "the event loop cannot be made");
    if (base)
        event_base_free(base);
    libevent_global_shutdown();
    log_flush(true);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct conf *conf;
    int rc = EXIT_SUCCESS;

    parse_options(argc, argv, &o);
    conf = load(o.file);
    if (!conf)
        return EXIT_FAILURE;
    if (o.mode == MODE_CHECK)
        printf("%s: OK\n", o.file);
    else if (o.mode == MODE_PRINT)
        conf_print(conf, stdout);
    else
        rc = run(conf, &o);
    conf_free(conf);
    if (fflush(stdout) != 0)
        rc = EXIT_FAILURE;
    return rc;
}
