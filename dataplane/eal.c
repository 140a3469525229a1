/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DPDK's command line, built from our configuration, and its messages led into our log.
 *
 * Tricky: --in-memory and --no-huge exclude each other, and rte_eal_init() cannot be tried twice: whether
 * hugepages suffice is looked up before.
 */
#include "dataplane/eal.h"

#include "conf/log.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>

#define MAX_ARGS 64
#define ARG_LEN  384
#define LIST_LEN 128

struct args {
    char text[MAX_ARGS][ARG_LEN];
    char *v[MAX_ARGS + 1];
    int n;
};

__attribute__((format(printf, 2, 3))) static void add_arg(struct args *a, const char *fmt, ...)
{
    va_list ap;

    if (a->n == MAX_ARGS)
        return;
    va_start(ap, fmt);
    vsnprintf(a->text[a->n], ARG_LEN, fmt, ap);
    va_end(ap);
    a->v[a->n] = a->text[a->n];
    a->n++;
}

/* Free hugepage memory of all sizes, in MB. */
static unsigned free_hugepages_mb(void)
{
    static const char root[] = "/sys/kernel/mm/hugepages";
    DIR *dir = opendir(root);
    struct dirent *e;
    unsigned long total_kb = 0;

    if (!dir)
        return 0;
    while ((e = readdir(dir)) != NULL) {
        char path[512];
        unsigned long kb, pages;
        FILE *f;

        if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s/free_hugepages", root, e->d_name);
        f = fopen(path, "r");
        if (!f)
            continue;
        if (fscanf(f, "%lu", &pages) == 1)
            total_kb += kb * pages;
        fclose(f);
    }
    closedir(dir);
    return (unsigned)(total_kb / 1024);
}

/* DPDK writes whole lines; each becomes one of ours. */
static ssize_t log_line(void *cookie, const char *buf, size_t size)
{
    size_t n = size;

    (void)cookie;
    while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
        n--;
    if (n > 0) {
        int level = rte_log_cur_msg_loglevel();

        log_write(level > 0 && level <= (int)RTE_LOG_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "dpdk",
                  "%.*s", (int)n, buf);
    }
    return (ssize_t)size;
}

static void take_over_log(void)
{
    FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_line});

    if (!f)
        return;
    setvbuf(f, NULL, _IOLBF, 1024);
    rte_openlog_stream(f);
}

/* "0-3,8": the CPUs this process may run on, for lcores that are not pinned. */
static void allowed_cpus(char *buf, size_t len)
{
    cpu_set_t set;
    size_t n = 0;

    buf[0] = '\0';
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        snprintf(buf, len, "0");
        return;
    }
    for (int i = 0; i < CPU_SETSIZE && n < len - 8; i++)
        if (CPU_ISSET(i, &set))
            n += (size_t)snprintf(buf + n, len - n, "%s%d", n ? "," : "", i);
}

/* CPUs from config->cpu on where this process may run, as many as workers. Returns how many there are. */
static unsigned cpus_of_workers(const struct dp_config *config, int cpu[DP_MAX_WORKERS])
{
    cpu_set_t set;
    unsigned n = 0;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 0;
    for (int i = config->cpu; i >= 0 && i < CPU_SETSIZE && n < config->workers; i++)
        if (CPU_ISSET(i, &set))
            cpu[n++] = i;
    return n;
}

/* "1@2,2@3": lcores and their CPUs. */
static void pin_workers(const struct dp_config *config, char *buf, size_t len)
{
    int cpu[DP_MAX_WORKERS];
    unsigned n = cpus_of_workers(config, cpu);
    size_t used = 0;

    for (unsigned i = 0; i < n && used < len - 12; i++)
        used +=
            (size_t)snprintf(buf + used, len - used, "%s%u@%d", i ? "," : "", EAL_WORKER_LCORE + i, cpu[i]);
}

/* Each worker wants a CPU of its own. Without, they take turns: that is slow, and with busy polling each
 * waits for the others to be taken off theirs. */
static int check_cpus(const struct dp_config *config, char err[DP_ERR_LEN])
{
    int cpu[DP_MAX_WORKERS];
    unsigned n = cpus_of_workers(config, cpu);
    cpu_set_t set;

    if (config->cpu >= 0 && (n == 0 || cpu[0] != config->cpu)) {
        snprintf(err, DP_ERR_LEN,
                 "dataplane.cpu is %d, but this process may not run there or there is no such CPU "
                 "(taskset -p shows where it may)",
                 config->cpu);
        return -EINVAL;
    }
    if (config->cpu >= 0 && n < config->workers) {
        snprintf(err, DP_ERR_LEN,
                 "dataplane.workers is %u and their first CPU %d, but from there on this process may run on "
                 "%u only (taskset -p shows where it may)",
                 config->workers, config->cpu, n);
        return -EINVAL;
    }
    if (config->workers < 2 || sched_getaffinity(0, sizeof(set), &set) != 0 ||
        (unsigned)CPU_COUNT(&set) >= config->workers)
        return 0;
    if (config->busy_poll) {
        snprintf(err, DP_ERR_LEN,
                 "dataplane.workers is %u, but this process may run on %d CPUs: with poll: busy each worker "
                 "needs one",
                 config->workers, CPU_COUNT(&set));
        return -EINVAL;
    }
    log_warning("dpdk", "%u workers share %d CPUs: more workers than CPUs carry less, not more",
                config->workers, CPU_COUNT(&set));
    return 0;
}

static int choose_memory(const struct dp_config *config, unsigned memory_mb, bool *hugepages,
                         char err[DP_ERR_LEN])
{
    unsigned available = config->hugepages == DP_HUGEPAGES_OFF ? 0 : free_hugepages_mb();

    *hugepages = available >= memory_mb;
    if (*hugepages || config->hugepages == DP_HUGEPAGES_OFF)
        return 0;
    if (config->hugepages == DP_HUGEPAGES_ON) {
        snprintf(
            err, DP_ERR_LEN,
            "dataplane.hugepages is on, but %u MB of free hugepages are needed and %u MB are there: raise "
            "vm.nr_hugepages, or set hugepages: auto",
            memory_mb, available);
        return -ENOMEM;
    }
    log_warning("dpdk",
                "%u MB of hugepages needed, %u MB free: going on without, which is slower "
                "(sysctl vm.nr_hugepages=%u mends it)",
                memory_mb, available, memory_mb / 2 + 16);
    return 0;
}

int eal_start(const struct dp_config *config, unsigned memory_mb, bool *hugepages, char err[DP_ERR_LEN])
{
    static struct args a; /* DPDK keeps pointers into its arguments */
    char cpus[LIST_LEN], pinned[2 * LIST_LEN] = "";
    int rc;

    rc = check_cpus(config, err);
    if (rc < 0)
        return rc;
    rc = choose_memory(config, memory_mb, hugepages, err);
    if (rc < 0)
        return rc;
    allowed_cpus(cpus, sizeof(cpus));
    add_arg(&a, "causewayd");
    /* The control thread is lcore 0 and may run anywhere; workers are pinned when so configured. */
    pin_workers(config, pinned, sizeof(pinned));
    if (config->cpu >= 0)
        add_arg(&a, "--lcores=0@(%s),%s", cpus, pinned);
    else
        add_arg(&a, "--lcores=0@(%s),(%d-%d)@(%s)", cpus, EAL_WORKER_LCORE,
                EAL_WORKER_LCORE + (int)config->workers - 1, cpus);
    /* Nothing is shared through files (--in-memory, --no-shconf), so gateways may share the prefix. */
    add_arg(&a, "--file-prefix=causeway");
    add_arg(&a, "--iova-mode=va");
    add_arg(&a, "--no-telemetry");
    add_arg(&a, "--log-level=*:warning");
    add_arg(&a, "--log-level=lib.eal:error");
    if (*hugepages) {
        add_arg(&a, "--in-memory");
    } else {
        add_arg(&a, "--no-huge");
        add_arg(&a, "--no-shconf");
        add_arg(&a, "-m");
        add_arg(&a, "%u", memory_mb);
    }
    /* Others may be named later. A list must not be empty: then it would be all devices there are. */
    if (!config->pci && access("/sys/bus/pci/devices", R_OK | X_OK) < 0)
        add_arg(&a, "--no-pci");
    else if (!config->pci)
        add_arg(&a, "-affff:ff:1f.7");
    for (size_t i = 0; config->pci && i < config->n_pci_devices; i++) {
        add_arg(&a, "-a");
        add_arg(&a, "%s", config->pci_devices[i]);
    }
    take_over_log();
    if (rte_eal_init(a.n, a.v) < 0) {
        snprintf(err, DP_ERR_LEN, "DPDK does not start: %s%s", rte_strerror(rte_errno),
                 rte_errno == EACCES || rte_errno == EPERM
                     ? " (root or CAP_SYS_ADMIN and CAP_NET_ADMIN are needed)"
                     : "");
        return rte_errno ? -rte_errno : -EIO;
    }
    return 0;
}

const char *dp_version(void)
{
    return rte_version();
}

void eal_stop(void)
{
    rte_eal_cleanup();
}
