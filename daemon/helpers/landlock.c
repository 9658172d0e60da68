/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By the kernel's calls alone, since there is no library for them, and headers may be older than the kernel
 * that this runs on. */
#include "daemon/helpers/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/util/cleanup.h"

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* struct landlock_ruleset_attr as of version 6. An older kernel takes it as long as what it does not know is
 * 0. */
struct ruleset {
    uint64_t files, net, scopes;
};

/* Folders, as a rule for a file ends when another takes its name, which is how files in /etc are written.
 * None of them has what is a user's own: homes, /run/user, /var, /tmp and /proc are not below. /etc is whole:
 * names, hosts, certificates and the C library's settings lie all over it, and its secrets are open to root
 * or to a group alone. Where a distribution has no such folder there is nothing to open. */
static const char *const folders[] = {
    "/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store", /* programs and their libraries */
    "/etc", "/var/lib/ca-certificates",
    /* where /etc/resolv.conf may lead to, sooner or later */
    "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/connman", "/run/netconfig",
    /* what cryptography asks for */
    "/dev/null", "/dev/random", "/dev/urandom", "/proc/sys/crypto"};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return version > 0 ? (int)version : 0;
}

static uint64_t file_rights(int version)
{
    uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1; /* all of the first version */

    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version >= 5)
        rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

/* Ports to connect to are not limited with the Internet at hand: HueChat's is a setting, as is the proxy's,
 * and names may be asked for by TCP. The session bus may have an abstract address. */
static struct ruleset ruleset_of(int version, enum confine_sockets sockets)
{
    struct ruleset ruleset = {.files = file_rights(version)};

    if (version >= 4)
        ruleset.net = LANDLOCK_ACCESS_NET_BIND_TCP;
    if (version >= 6)
        ruleset.scopes = LANDLOCK_SCOPE_SIGNAL;
    switch (sockets) {
    case CONFINE_INET:
        if (version >= 6)
            ruleset.scopes |= LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
        break;
    case CONFINE_UNIX:
        if (version >= 4)
            ruleset.net |= LANDLOCK_ACCESS_NET_CONNECT_TCP;
        break;
    }
    return ruleset;
}

/* What is not there, or can't be reached by us, needs no rule. */
static int allow_reading(int rules, const char *path)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat status;

    if (fd < 0)
        return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : 0;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    rule.parent_fd = fd;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return -errno;
    return 0;
}

/* The folder that the link leads to, as another file may take the name there; but the file itself if that is
 * a folder of the root, such as /run, where everything is. */
static int allow_resolver(int rules)
{
    char target[PATH_MAX], *end;

    if (!realpath("/etc/resolv.conf", target))
        return 0;
    end = strrchr(target, '/');
    if (end != target && memchr(target + 1, '/', (size_t)(end - target - 1)))
        *end = '\0';
    return allow_reading(rules, target);
}

static int add_rules(int rules, const char *readable)
{
    int r = allow_resolver(rules);

    for (size_t i = 0; r >= 0 && i < ELEMENTS(folders); i++)
        r = allow_reading(rules, folders[i]);
    if (r >= 0 && readable)
        r = allow_reading(rules, readable);
    return r;
}

int landlock_restrict(int version, enum confine_sockets sockets, const char *readable)
{
    struct ruleset ruleset = ruleset_of(version, sockets);
    _cleanup_close_ int rules = -1;
    int r;

    if (version == 0)
        return 0;
    rules = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (rules < 0)
        return -errno;
    r = add_rules(rules, readable);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
        return -errno;
    return 0;
}
