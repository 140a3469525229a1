/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A machine that is at one of several places, and somebody who sends to it all the time: how long could it
 * not be reached after a move, and which frames were lost?
 *
 *   move_probe VM_MAC IF...
 *
 * Each interface is a cable to a switch or gateway, numbered from 0. One process has them all, so there is
 * one clock: frames that come are stamped by the kernel. It is a real-time process: that it had to wait for
 * the processor must not be measured. Between moves the machine is silent; after one it does what QEMU does
 * for a machine that has arrived, five broadcast RARPs at 0, 50, 200, 450 and 800 ms. The move itself takes
 * no time.
 *
 * The MAC of who sends by an interface is 02:be:00:00 and the interface's number.
 *
 * Commands on stdin, one a line, and what it says on stdout:
 *
 *   at N                       the machine is at cable N from now on, and announces itself
 *   send N            flowing  1,000 frames a second from cable N to the machine; said when 20 have come to
 * it move N MS         moved .. the machine is at cable N from now on. Said MS milliseconds later, or when
 * the first frame has come to it there, whichever is later, but no later than 5 s: DARK   ns from the first
 * RARP to the first frame there; -1: none came GAP    ns from the last frame at the old place to that frame
 *                                SENT   frames since then
 *                                LOST   those that reached the machine nowhere
 *                                STALE  and of those, the ones that came to the cable that it had left
 *                                EARLY  those that waited at the new cable, as in a TAP's queue, before it
 * came TWICE  those that it had at both places, or twice at one The stream ends then. others RATE COUNT N M
 * COUNT other machines move between cables N and M, RATE of them a second, each with one RARP; RATE 0 ends it
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_CABLES 8
#define ETHERTYPE  0x88b5 /* IEEE local experimental 1 */
#define FRAME_LEN  100
#define RARP_LEN   60
#define PERIOD_NS  1000000
#define MAX_FRAMES (1u << 16) /* of one stream */
#define FLOWING    20
#define DRAIN_NS   50000000
#define GIVE_UP_NS 5000000000ull
#define NEVER      UINT64_MAX

typedef uint8_t mac_bytes[6];

struct record {
    uint64_t sent, came[MAX_CABLES]; /* when it first came there; 0: it did not */
    bool again;                      /* it came twice to one of them */
};

static const unsigned rarp_ms[] = {0, 50, 200, 450, 800};
#define RARPS (sizeof(rarp_ms) / sizeof(rarp_ms[0]))

static struct {
    unsigned n_cables;
    int fd[MAX_CABLES];
    unsigned index[MAX_CABLES];
    mac_bytes mac;

    unsigned at, from; /* where it is and was */
    uint64_t moved;
    unsigned rarps;            /* that have been sent */
    uint64_t report_at, dwell; /* NEVER: no move is measured */

    unsigned sender, n, counted; /* counted: the first frame since it flows */
    uint32_t stream;             /* tells late frames of the last stream from this one's */
    uint64_t send_at;            /* NEVER: nothing is sent */
    bool flowing;
    struct record records[MAX_FRAMES];

    unsigned other[2], other_count, other_next;
    uint64_t other_at, other_period; /* NEVER */
} p = {.rarps = RARPS, .report_at = NEVER, .send_at = NEVER, .other_at = NEVER};

/* The clock of the kernel's stamps. */
static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("move_probe: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- cables */

static int open_cable(const char *name, unsigned *index)
{
    static struct sock_filter ours[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog filter = {.len = 4, .filter = ours};
    struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct packet_mreq promisc = {.mr_type = PACKET_MR_PROMISC};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, size = 4 << 20;

    *index = if_nametoindex(name);
    addr.sll_ifindex = promisc.mr_ifindex = (int)*index;
    if (!addr.sll_ifindex || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
        bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
        die("%s: %s", name, strerror(errno));
    return fd;
}

static void send_frame(unsigned cable, const uint8_t *frame, size_t len)
{
    if (send(p.fd[cable], frame, len, 0) != (ssize_t)len)
        die("send on cable %u: %s", cable, strerror(errno));
}

static void sender_mac(mac_bytes mac, unsigned cable)
{
    memcpy(mac, (mac_bytes){0x02, 0xbe, 0, 0, (uint8_t)(p.index[cable] >> 8), (uint8_t)p.index[cable]}, 6);
}

/* As QEMU makes it: a request for its own address, which it does not know (RFC 903). */
static void send_rarp(unsigned cable, const mac_bytes mac)
{
    static const uint8_t head[10] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    uint8_t f[RARP_LEN] = {0};

    memset(f, 0xff, 6);
    memcpy(f + 6, mac, 6);
    memcpy(f + 12, head, sizeof(head));
    memcpy(f + 22, mac, 6);
    memcpy(f + 32, mac, 6);
    send_frame(cable, f, sizeof(f));
}

static void send_next(void)
{
    uint32_t what[2] = {p.stream, p.n};
    uint8_t f[FRAME_LEN] = {0};

    if (p.n == MAX_FRAMES)
        die("a stream longer than %u frames", MAX_FRAMES);
    memcpy(f, p.mac, 6);
    sender_mac(f + 6, p.sender);
    f[12] = ETHERTYPE >> 8;
    f[13] = ETHERTYPE & 255;
    memcpy(f + 14, what, sizeof(what));
    p.records[p.n] = (struct record){.sent = now_ns()};
    p.n++;
    send_frame(p.sender, f, sizeof(f));
}

/* ---- what comes */

static uint64_t stamp(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec t;

            memcpy(&t, CMSG_DATA(c), sizeof(t));
            return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        }
    die("a frame without a stamp");
}

static void came(unsigned cable, const uint8_t *f, uint64_t t)
{
    uint32_t what[2];
    struct record *r;

    memcpy(what, f + 14, sizeof(what));
    if (memcmp(f, p.mac, 6) != 0 || what[0] != p.stream || what[1] >= p.n)
        return;
    r = &p.records[what[1]];
    if (r->came[cable])
        r->again = true;
    else
        r->came[cable] = t;
}

static void receive(unsigned cable)
{
    uint8_t f[FRAME_LEN], control[64] __attribute__((aligned(8)));
    struct iovec v = {f, sizeof(f)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control};
    ssize_t n;

    while (m.msg_controllen = sizeof(control), (n = recvmsg(p.fd[cable], &m, 0)) >= 0)
        if (n == FRAME_LEN)
            came(cable, f, stamp(&m));
}

static bool check_flowing(void)
{
    unsigned n = 0;

    for (unsigned i = p.n > 2 * FLOWING ? p.n - 2 * FLOWING : 0; i < p.n; i++)
        n += p.records[i].came[p.at] != 0;
    return n >= FLOWING;
}

/* ---- a move */

static uint64_t first_there(void)
{
    uint64_t first = NEVER;

    for (unsigned i = 0; i < p.n; i++)
        if (p.records[i].came[p.at] >= p.moved && p.records[i].came[p.at] < first)
            first = p.records[i].came[p.at];
    return first;
}

static void report(void)
{
    unsigned lost = 0, stale = 0, early = 0, twice = 0;
    uint64_t last = 0, first = first_there();

    for (unsigned i = p.counted; i < p.n; i++) {
        const struct record *r = &p.records[i];
        uint64_t there = r->came[p.at], old = r->came[p.from];
        bool had = old && old < p.moved;

        if (had && old > last)
            last = old;
        lost += !had && !there;
        stale += !there && old && !had;
        early += !had && there && there < p.moved;
        twice += (had && there) || r->again;
    }
    printf("moved %lld %lld %u %u %u %u %u\n", first == NEVER ? -1 : (long long)(first - p.moved),
           first == NEVER || !last ? -1 : (long long)(first - last), p.n - p.counted, lost, stale, early,
           twice);
}

/* True when a move's result has been said. */
static bool measured(uint64_t now)
{
    if (p.report_at == NEVER || now < p.report_at)
        return false;
    if (p.send_at == NEVER) { /* what was under way has come by now */
        report();
        p.report_at = NEVER;
        return true;
    }
    if (first_there() == NEVER && now < p.moved + GIVE_UP_NS) {
        p.report_at = now + PERIOD_NS;
        return false;
    }
    p.send_at = NEVER;
    p.report_at = now + DRAIN_NS;
    return false;
}

static void move_to(unsigned cable)
{
    p.from = p.at;
    p.at = cable;
    p.moved = now_ns();
    send_rarp(cable, p.mac);
    p.rarps = 1;
}

/* ---- other machines */

static void move_other(void)
{
    uint32_t k = p.other_next % p.other_count, round = p.other_next / p.other_count;
    mac_bytes mac = {0x02, 0xbf, 0, (uint8_t)(k >> 16), (uint8_t)(k >> 8), (uint8_t)k};

    send_rarp(p.other[(round + k) & 1], mac);
    p.other_next++;
}

/* ---- commands */

static unsigned cable_number(unsigned n)
{
    if (n >= p.n_cables)
        die("there is no cable %u", n);
    return n;
}

static void command(void)
{
    char line[80];
    unsigned a, b, c, d;

    if (!fgets(line, sizeof(line), stdin))
        exit(0);
    if (p.report_at != NEVER)
        die("not during a move: %s", line);
    if (sscanf(line, "at %u", &a) == 1) {
        move_to(cable_number(a));
    } else if (sscanf(line, "send %u", &a) == 1) {
        p.sender = cable_number(a);
        p.n = p.counted = 0;
        p.stream++;
        p.flowing = false;
        p.send_at = now_ns();
    } else if (sscanf(line, "move %u %u", &a, &b) == 2) {
        move_to(cable_number(a));
        p.report_at = p.moved + b * 1000000ull;
    } else if (strcmp(line, "stop\n") == 0) {
        p.send_at = NEVER;
    } else if (sscanf(line, "others %u %u %u %u", &a, &b, &c, &d) == 4 && b > 0) {
        p.other_count = b;
        p.other[0] = cable_number(c);
        p.other[1] = cable_number(d);
        p.other_period = a ? 1000000000u / a : 0;
        p.other_at = a ? now_ns() : NEVER;
    } else {
        die("unknown command %s", line);
    }
}

/* ---- the loop */

static uint64_t rarp_at(void)
{
    return p.rarps < RARPS ? p.moved + rarp_ms[p.rarps] * 1000000ull : NEVER;
}

/* Does what is due, and returns when the next is. */
static uint64_t work(void)
{
    uint64_t now = now_ns(), next;

    /* Late ones are made up for: a sender that was held up must not send less. */
    for (; p.send_at <= now; p.send_at += PERIOD_NS)
        send_next();
    for (; rarp_at() <= now; p.rarps++)
        send_rarp(p.at, p.mac);
    for (; p.other_at <= now; p.other_at += p.other_period)
        move_other();
    if (!p.flowing && p.send_at != NEVER && check_flowing()) {
        p.flowing = true;
        p.counted = p.n;
        puts("flowing");
    }
    measured(now);
    next = p.send_at < rarp_at() ? p.send_at : rarp_at();
    next = p.other_at < next ? p.other_at : next;
    return p.report_at < next ? p.report_at : next;
}

static void set_timer(int timer, uint64_t at)
{
    struct itimerspec t = {0};

    if (at != NEVER)
        t.it_value = (struct timespec){(time_t)(at / 1000000000u), (long)(at % 1000000000u)};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void run(void)
{
    int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    struct pollfd fds[MAX_CABLES + 2];
    uint64_t expired;

    for (unsigned i = 0; i < p.n_cables; i++)
        fds[i] = (struct pollfd){.fd = p.fd[i], .events = POLLIN};
    fds[p.n_cables] = (struct pollfd){.fd = timer, .events = POLLIN};
    fds[p.n_cables + 1] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        set_timer(timer, work());
        if (poll(fds, p.n_cables + 2, -1) < 0 && errno != EINTR)
            die("poll: %s", strerror(errno));
        for (unsigned i = 0; i < p.n_cables; i++)
            if (fds[i].revents)
                receive(i);
        if (fds[p.n_cables].revents && read(timer, &expired, sizeof(expired)) < 0 && errno != EAGAIN)
            die("timer: %s", strerror(errno));
        if (fds[p.n_cables + 1].revents)
            command();
    }
}

int main(int argc, char **argv)
{
    const struct sched_param first = {.sched_priority = 1};

    if (argc < 3 || argc > 2 + MAX_CABLES ||
        sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p.mac[0], &p.mac[1], &p.mac[2], &p.mac[3],
               &p.mac[4], &p.mac[5]) != 6)
        die("usage: move_probe VM_MAC IF...");
    for (int i = 2; i < argc; i++, p.n_cables++)
        p.fd[p.n_cables] = open_cable(argv[i], &p.index[p.n_cables]);
    if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
        die("real-time priority: %s", strerror(errno));
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what stdio would hide */
    setvbuf(stdout, NULL, _IOLBF, 0);
    run();
}
