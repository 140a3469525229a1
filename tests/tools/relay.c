/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A WAN for tests: carries Ethernet frames between two or more interfaces, with a delay, loss, a smaller MTU
 * and a rate, because this kernel may have no netem.
 *
 *   relay [--delay USEC] [--loss PERMILLE] [--mtu BYTES] [--rate MBIT] [--queue FRAMES] [--seed N] IF IF...
 *
 * One thread. Frames come from AF_PACKET sockets and wait in one bounded FIFO per receiving interface until
 * their time (delay and rate are the same for all frames of one, so they are in order). epoll and a timerfd
 * sleep until shortly before the next departure; the last microseconds are spun away, which is what makes the
 * delay exact. With more than two interfaces MACs are learned, as a switch does. Loss and delay hold each
 * way. A packet that exceeds the MTU is dropped without an answer, as in a WAN whose ICMP is filtered.
 *
 * SIGUSR1 prints the counters as one line of JSON on stdout, SIGTERM and SIGINT print them and end. "ready"
 * on stdout says that frames are carried from now on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_IFS    16
#define FRAME_MAX  9600
#define HEADROOM   4 /* a VLAN tag that the kernel took out of the frame is put back there */
#define BATCH      32
#define SPIN_NS    20000
#define SOCKET_BUF (8 << 20)
#define FDB_SIZE   1024 /* power of two */

struct slot {
    uint64_t due;
    uint16_t len, off;
    uint8_t data[HEADROOM + FRAME_MAX];
};

struct counters {
    uint64_t rx, tx, bytes, lost, too_big, queue_full, tx_error, socket_full;
};

/* Frames received on one interface wait here, oldest at head. */
struct iface {
    const char *name;
    int fd;
    struct slot *slots;
    uint32_t head, count;
    uint64_t free_at; /* when the (rate limited) line can take the next frame */
    struct counters n;
};

struct fdb_entry {
    uint8_t mac[6];
    int8_t iface; /* index + 1; 0: free */
};

static struct iface ifs[MAX_IFS];
static unsigned n_ifs;
static struct fdb_entry fdb[FDB_SIZE];
static uint64_t delay_ns, rate_mbit, rng = 88172645463325252ull;
static unsigned loss_permille, mtu;
static uint32_t queue_len = 4096;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what, const char *arg)
{
    fprintf(stderr, "relay: %s %s: %s\n", what, arg, strerror(errno));
    exit(1);
}

static bool lose(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return loss_permille && rng % 1000 < loss_permille;
}

static bool too_big(const uint8_t *f, unsigned len)
{
    uint16_t type = (uint16_t)(f[12] << 8 | f[13]);

    return mtu && (type == ETHERTYPE_IP || type == ETHERTYPE_IPV6) && len > mtu + ETHER_HDR_LEN;
}

static struct fdb_entry *fdb_slot(const uint8_t *mac)
{
    uint32_t h = 2166136261u;

    for (int i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    return &fdb[(h ^ h >> 16) & (FDB_SIZE - 1)];
}

static void open_iface(struct iface *i)
{
    int on = 1, size = SOCKET_BUF;
    struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct packet_mreq promisc = {.mr_type = PACKET_MR_PROMISC};

    addr.sll_ifindex = promisc.mr_ifindex = (int)if_nametoindex(i->name);
    if (!addr.sll_ifindex)
        die("interface", i->name);
    i->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (i->fd < 0 || setsockopt(i->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
        setsockopt(i->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) ||
        setsockopt(i->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
        setsockopt(i->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
        setsockopt(i->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
        setsockopt(i->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) ||
        bind(i->fd, (struct sockaddr *)&addr, sizeof(addr)))
        die("socket", i->name);
    i->slots = mmap(NULL, queue_len * sizeof(*i->slots), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (i->slots == MAP_FAILED)
        die("memory for", i->name);
}

/* ---- receive ---- */

/* The kernel hands the outermost tag beside the frame: put it back. */
static void restore_tag(struct slot *s, struct msghdr *m)
{
    const struct tpacket_auxdata *aux = NULL;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
            aux = (const struct tpacket_auxdata *)CMSG_DATA(c);
    s->off = HEADROOM;
    if (!aux || !(aux->tp_status & TP_STATUS_VLAN_VALID))
        return;
    uint16_t tag[2] = {htons(ETHERTYPE_VLAN), htons(aux->tp_vlan_tci)};
    if (aux->tp_status & TP_STATUS_VLAN_TPID_VALID)
        tag[0] = htons(aux->tp_vlan_tpid);
    memmove(s->data, s->data + HEADROOM, 12);
    memcpy(s->data + 12, tag, sizeof(tag));
    s->off = 0;
    s->len = (uint16_t)(s->len + HEADROOM);
}

/* The frame is in the slot behind the last one; returns true when it stays there. */
static bool accept_frame(struct iface *i, struct slot *s, uint64_t now)
{
    const uint8_t *f = s->data + s->off;
    struct fdb_entry *e;

    i->n.rx++;
    i->n.bytes += s->len;
    if (n_ifs > 2 && !(f[6] & 1)) {
        e = fdb_slot(f + 6);
        memcpy(e->mac, f + 6, 6);
        e->iface = (int8_t)(i - ifs + 1);
    }
    if (too_big(f, s->len)) {
        i->n.too_big++;
        return false;
    }
    if (lose()) {
        i->n.lost++;
        return false;
    }
    s->due = now;
    if (rate_mbit) {
        if (i->free_at > s->due)
            s->due = i->free_at;
        s->due += (uint64_t)s->len * 8000 / rate_mbit;
        i->free_at = s->due;
    }
    s->due += delay_ns;
    return true;
}

static void receive(struct iface *i)
{
    static uint8_t scrap[HEADROOM + FRAME_MAX];
    uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))] __attribute__((aligned(8)));

    for (int n = 0; n < BATCH; n++) {
        bool full = i->count == queue_len;
        struct slot *s = &i->slots[(i->head + i->count) % queue_len];
        struct iovec v = {full ? scrap : s->data + HEADROOM, FRAME_MAX};
        struct msghdr m = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        ssize_t len = recvmsg(i->fd, &m, 0);

        if (len < 0)
            return; /* nothing more, or the interface is down: it comes back by itself */
        if (full) {
            i->n.rx++;
            i->n.queue_full++;
        } else if (len >= ETHER_HDR_LEN && !(m.msg_flags & MSG_TRUNC)) {
            s->len = (uint16_t)len;
            restore_tag(s, &m);
            i->count += accept_frame(i, s, now_ns());
        }
    }
}

/* ---- send ---- */

static void send_to(struct iface *from, struct iface *to, const struct slot *s)
{
    if (send(to->fd, s->data + s->off, s->len, MSG_DONTWAIT) == s->len)
        to->n.tx++;
    else
        from->n.tx_error++;
}

static void forward(struct iface *from, const struct slot *s)
{
    const uint8_t *dst = s->data + s->off;
    const struct fdb_entry *e = n_ifs > 2 && !(dst[0] & 1) ? fdb_slot(dst) : NULL;

    if (e && e->iface && memcmp(e->mac, dst, 6) == 0) {
        if (&ifs[e->iface - 1] != from)
            send_to(from, &ifs[e->iface - 1], s);
        return;
    }
    for (unsigned k = 0; k < n_ifs; k++)
        if (&ifs[k] != from)
            send_to(from, &ifs[k], s);
}

/* Sends what is due and returns when the next frame is; UINT64_MAX: none waits. */
static uint64_t send_due(void)
{
    uint64_t next = UINT64_MAX;

    for (unsigned k = 0; k < n_ifs; k++) {
        struct iface *i = &ifs[k];

        for (int n = 0; i->count && n < BATCH && i->slots[i->head].due <= now_ns(); n++) {
            forward(i, &i->slots[i->head]);
            i->head = (i->head + 1) % queue_len;
            i->count--;
        }
        if (i->count && i->slots[i->head].due < next)
            next = i->slots[i->head].due;
    }
    return next;
}

/* ---- the rest ---- */

static void print_counters(void)
{
    printf("{");
    for (unsigned k = 0; k < n_ifs; k++) {
        struct iface *i = &ifs[k];
        struct tpacket_stats stats;
        socklen_t len = sizeof(stats);

        if (getsockopt(i->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
            i->n.socket_full += stats.tp_drops;
        printf("%s\"%s\": {\"rx\": %lu, \"tx\": %lu, \"rx_bytes\": %lu, \"lost\": %lu, \"too_big\": %lu, "
               "\"queue_full\": %lu, \"tx_error\": %lu, \"socket_full\": %lu}",
               k ? ", " : "", i->name, i->n.rx, i->n.tx, i->n.bytes, i->n.lost, i->n.too_big, i->n.queue_full,
               i->n.tx_error, i->n.socket_full);
    }
    printf("}\n");
    fflush(stdout);
}

static unsigned long number(const char *text, unsigned long max)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*text == 0 || *end || v > max) {
        fprintf(stderr, "relay: %s is not a number from 0 to %lu\n", text, max);
        exit(2);
    }
    return v;
}

static void usage(void)
{
    fprintf(stderr,
            "usage: relay [--delay USEC] [--loss PERMILLE] [--mtu BYTES] [--rate MBIT] [--queue FRAMES] "
            "[--seed N] IF IF...\n");
    exit(2);
}

static void options(int argc, char **argv)
{
    static const struct option opts[] = {
        {"delay", 1, NULL, 'd'},
        {"loss", 1, NULL, 'l'},
        {"mtu", 1, NULL, 'm'},
        {"rate", 1, NULL, 'r'},
        {"queue", 1, NULL, 'q'},
        {"seed", 1, NULL, 's'},
        {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
        switch (c) {
        case 'd':
            delay_ns = number(optarg, 10000000) * 1000;
            break;
        case 'l':
            loss_permille = (unsigned)number(optarg, 1000);
            break;
        case 'm':
            mtu = (unsigned)number(optarg, FRAME_MAX);
            break;
        case 'r':
            rate_mbit = number(optarg, 1000000);
            break;
        case 'q':
            queue_len = (uint32_t)number(optarg, 1 << 20);
            break;
        case 's':
            rng += number(optarg, UINT32_MAX) * 0x9e3779b97f4a7c15ull;
            break;
        default:
            usage();
        }
    }
    if (argc - optind < 2 || argc - optind > MAX_IFS || queue_len == 0)
        usage();
    for (; optind < argc; optind++)
        ifs[n_ifs++].name = argv[optind];
}

static int signal_fd(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Sleeps until a frame, a signal or shortly before the next departure. */
static void wait_for(int epoll, int timer, uint64_t next, struct epoll_event *ev, int *n)
{
    uint64_t now = now_ns();
    int timeout = -1;

    if (next <= now + SPIN_NS) {
        timeout = 0;
    } else if (next != UINT64_MAX) {
        uint64_t at = next - SPIN_NS;
        struct itimerspec t = {
            .it_value = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
    }
    *n = epoll_wait(epoll, ev, MAX_IFS + 2, timeout);
}

static void watch(int epoll, int fd, uint32_t id)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = id};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
        die("epoll_ctl", "");
}

int main(int argc, char **argv)
{
    struct epoll_event ev[MAX_IFS + 2];
    struct signalfd_siginfo sig;
    int epoll = epoll_create1(EPOLL_CLOEXEC), signals = signal_fd(), n;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    uint64_t expired;

    options(argc, argv);
    prctl(PR_SET_TIMERSLACK, 1);
    if (epoll < 0 || signals < 0 || timer < 0)
        die("epoll, signalfd or timerfd", "");
    for (unsigned k = 0; k < n_ifs; k++) {
        open_iface(&ifs[k]);
        watch(epoll, ifs[k].fd, k);
    }
    watch(epoll, signals, MAX_IFS);
    watch(epoll, timer, MAX_IFS + 1);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        wait_for(epoll, timer, send_due(), ev, &n);
        for (int k = 0; k < n; k++) {
            if (ev[k].data.u32 < n_ifs) {
                receive(&ifs[ev[k].data.u32]);
            } else if (ev[k].data.u32 == MAX_IFS + 1) {
                if (read(timer, &expired, sizeof(expired)) < 0)
                    continue;
            } else if (read(signals, &sig, sizeof(sig)) == sizeof(sig)) {
                print_counters();
                if (sig.ssi_signo != SIGUSR1)
                    return 0;
            }
        }
    }
}
