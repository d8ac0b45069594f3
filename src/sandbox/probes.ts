/** The ways out that are tried inside a sandbox: one table, one script. A probe prints `leak: ...` or `skip: ...`, or nothing when it held. */
import { shellQuoted } from "../base/shell-words.ts";

/** What stands ready outside for the attempts. Paths are host paths. */
export interface Target {
  /** A readable file, a file that must never come to be, and the real home folder. */
  readonly canary: string;
  readonly written: string;
  readonly home: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  /** Listening sockets: a path, and a name without its leading NUL. */
  readonly unixPath: string;
  readonly abstractName: string;
  /** A process of the same user; `mark` stands in its command line and environment. */
  readonly pid: number;
  readonly mark: string;
  /** Put into the workspace for a thorough look: a secret-named file and a listening socket. */
  readonly planted?: { readonly secret: string; readonly socket: string };
}

export interface Probe {
  readonly name: string;
  readonly about: string;
  readonly script: (target: Target) => string;
}

/** Name of the file that is tried in the home; outside it is looked for (a home below `/tmp` may be a private one). */
export const HOME_PROBE = ".crucible-probe";

type Call = "ptrace" | "unshare" | "mount" | "keyctl" | "mknodat" | "prctl";
const CALLS: Readonly<Record<string, Readonly<Record<Call, number>>>> = {
  x64: { ptrace: 101, unshare: 272, mount: 165, keyctl: 250, mknodat: 259, prctl: 157 },
  arm64: { ptrace: 117, unshare: 97, mount: 40, keyctl: 219, mknodat: 33, prctl: 167 },
};

const quoted = (text: string | number) => shellQuoted(String(text));

/** A perl program with its arguments; `$call{name}` are the numbers of Linux on this processor. */
function perl(program: string, ...given: readonly (string | number)[]): string {
  const numbers = CALLS[process.arch];
  const linuxOnly = /\$call\b|"\\0/.test(program);
  if (linuxOnly && process.platform !== "linux") return "echo 'skip: it is Linux that has this'";
  if (!numbers) return `echo 'skip: the call numbers of ${process.arch} are not known'`;
  const table = Object.entries(numbers)
    .map(([name, number]) => `${name} => ${number}`)
    .join(", ");
  const words = [`my %call = (${table}); ${program}`, ...given].map(quoted).join(" ");
  return `[ -x /usr/bin/perl ] || { echo 'skip: perl is missing'; exit; }; /usr/bin/perl -e ${words}`;
}

const opens = (paths: string) =>
  `for path in ${paths}; do [ -e "$path" ] || continue; (exec 3<>"$path") && echo "leak: $path can be opened for writing"; done`;

export const PROBES: readonly Probe[] = [
  {
    name: "root",
    about: "be the real root, or hold capabilities",
    script: () => `[ "$EUID" != 0 ] || echo 'leak: real root inside'
[ -r /proc/self/status ] || echo 'skip: /proc/self/status cannot be read'
while read -r key value; do case $key in CapEff:|CapPrm:|CapAmb:) [[ $value =~ ^0+$ ]] || echo "leak: $key $value";; esac; done < /proc/self/status`,
  },
  {
    name: "write-outside",
    about: "write, or change the mode of, files outside the workspace",
    script: ({ canary, written, home }) => `
(echo x > ${quoted(`${home}/${HOME_PROBE}`)})
for path in ${[written, "/usr/crucible-probe", "/etc/crucible-probe", "/crucible-probe"].map(quoted).join(" ")}; do (echo x > "$path") && echo "leak: wrote $path"; done
chmod 600 ${quoted(canary)} && echo 'leak: changed the mode of a file outside'
touch -d 2001-01-01 ${quoted(canary)} && echo 'leak: changed the times of a file outside'; exit 0`,
  },
  {
    name: "read-secret",
    about: "read a secret outside the workspace",
    script: ({ canary, planted }) => `
(read -r line < ${quoted(canary)}) && echo 'leak: read a file outside'
(read -r line < /etc/shadow) && echo 'leak: read /etc/shadow'
${planted ? `line=; read -r line < ${quoted(planted.secret)}; [ -z "$line" ] || echo 'leak: read a secret-named file of the workspace'` : ":"}`,
  },
  {
    name: "control-places",
    about: "open what steers git and this program for writing",
    script: () =>
      'tried=; for path in .git/config .git/hooks/pre-commit .codecrucible/config.jsonc .mcp.json; do [ -e "$path" ] || continue; tried=1; (exec 3>>"$path") && echo "leak: $path can be opened for writing"; done; [ "$tried" ] || echo "skip: the workspace has none"',
  },
  {
    name: "tcp",
    about: "connect to a server on this machine",
    script: ({ tcpPort }) => `(exec 3<>/dev/tcp/127.0.0.1/${tcpPort}) && echo 'leak: reached a server on this machine'
(exec 3<>'/dev/tcp/::1/${tcpPort}') && echo 'leak: reached a server on this machine by IPv6'`,
  },
  {
    name: "udp",
    about: "send datagrams to this machine or beyond",
    script: ({ udpPort }) => `(exec 3<>/dev/udp/127.0.0.1/${udpPort} && echo x >&3)
(exec 3<>/dev/udp/192.0.2.1/9) && echo 'leak: there is a route to other machines'`,
  },
  {
    name: "unix-path",
    about: "connect to a socket file of a program outside",
    script: ({ unixPath, planted }) =>
      perl(
        'use Socket; for my $path (@ARGV) { my ($folder, $name) = $path =~ m{(.*)/(.*)}; chdir $folder or next; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or last; print "leak: reached $path\\n" if connect($s, pack_sockaddr_un($name)) }',
        unixPath,
        "/run/docker.sock",
        "/run/dbus/system_bus_socket",
        "/nix/var/nix/daemon-socket/socket",
        ...(planted ? [planted.socket] : []),
      ),
  },
  {
    name: "unix-abstract",
    about: "connect to an abstract socket of a program outside",
    script: ({ abstractName }) =>
      perl(
        'use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or exit; print "leak: reached an abstract socket\\n" if connect($s, pack("S a*", AF_UNIX, "\\0$ARGV[0]"))',
        abstractName,
      ),
  },
  {
    name: "proc-sys",
    about: "open kernel settings for writing",
    script: () =>
      opens(
        "/proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm/transparent_hugepage/enabled",
      ),
  },
  {
    name: "environment",
    about: "read the environment of the launcher or of any process outside",
    script: ({ pid }) =>
      `[ -d /proc/self ] || echo 'skip: there is no /proc'
for file in /proc/1/environ /proc/${pid}/environ /proc/[0-9]*/environ; do while IFS= read -r -d '' entry; do echo "name: \${entry%%=*}"; done < "$file"; done`,
  },
  {
    name: "user-namespace",
    about: "become root in a further user namespace",
    script: () =>
      perl(
        'print "leak: made a user namespace\\n" if syscall($call{unshare}, 0x10000000) == 0; exec "unshare", "-Ur", "/bin/echo", "leak: root in a user namespace"',
      ),
  },
  {
    name: "signal",
    about: "signal a process outside",
    // A number that can be signalled may belong to a process inside: its command line then lacks the mark.
    script: ({ pid, mark }) => `mark=${quoted(mark.slice(0, 4))}${quoted(mark.slice(4))}
line=unknown; [ ! -r /proc/${pid}/cmdline ] || line=$(tr '\\0' ' ' < /proc/${pid}/cmdline)
kill -0 ${pid} && [[ $line == unknown || $line == *$mark* ]] && echo 'leak: a process outside can be signalled'
for file in /proc/[0-9]*/cmdline; do [[ $(tr '\\0' ' ' < "$file") == *$mark* ]] && echo 'leak: a process outside is visible'; done; exit 0`,
  },
  {
    name: "ptrace",
    about: "trace the parent, the first process or one outside",
    script: ({ pid }) =>
      perl(
        'for my $pid (getppid(), 1, $ARGV[0]) { print "leak: process $pid can be traced\\n" if syscall($call{ptrace}, 0x4206, $pid + 0, 0, 0) == 0 }',
        pid,
      ),
  },
  {
    name: "memory",
    about: "open the memory of the first process or of one outside",
    script: ({ pid }) =>
      `for path in /proc/1/mem /proc/1/task/1/mem /proc/${pid}/mem; do (exec 3<>"$path") && echo "leak: $path can be opened"; done`,
  },
  {
    name: "devices",
    about: "make a device node, or open a disk or the kernel's own devices",
    script: () => `${perl(
      'my $path = "/tmp/.crucible-device"; if (syscall($call{mknodat}, -100, $path, 0x2180, 0x101) == 0) { print "leak: made a device node\\n"; unlink $path }',
    )}
for path in /dev/mem /dev/kmem /dev/port /dev/kmsg /dev/kvm /dev/fuse /dev/loop-control /dev/mapper/control /dev/sda /dev/vda /dev/nvme0n1; do (exec 3<"$path") && echo "leak: $path can be opened"; done
for path in /dev/*; do [ -b "$path" ] && [ -r "$path" ] && echo "leak: $path can be read"; done; exit 0`,
  },
  {
    name: "mount",
    about: "mount a file system",
    script: () =>
      perl(
        'my ($type, $place) = ("tmpfs", "/tmp"); print "leak: mounted a file system\\n" if syscall($call{mount}, $type, $place, $type, 0, 0) == 0',
      ),
  },
  {
    name: "keyrings",
    about: "reach the kernel's keys of this user",
    script: () =>
      perl(
        'for my $ring (-3, -4, -5) { print "leak: keyring $ring can be reached\\n" if syscall($call{keyctl}, 0, $ring, 0) >= 0 }',
      ),
  },
  {
    name: "setuid",
    about: "gain rights by a setuid program",
    script: () =>
      perl('print "leak: setuid programs would gain rights\\n" if syscall($call{prctl}, 39, 0, 0, 0, 0) != 1'),
  },
];

/** Runs every probe in a subshell of its own; each output line is `name<TAB>text`, and each probe ends with `name<TAB>done`. */
export function probeScript(target: Target): string {
  const parts = PROBES.map(
    ({ name, script }) => `out=$( { ${script(target)}\n} 2>/dev/null </dev/null )
while IFS= read -r line; do printf '%s\\t%s\\n' ${name} "$line"; done <<< "$out"; printf '%s\\tdone\\n' ${name}`,
  );
  const usable =
    '[ -r . ] && (: > "$([ "$TMPDIR" ] && echo "$TMPDIR" || echo /tmp)/.crucible-probe") && echo usable; echo end';
  return `${parts.join("\n")}\n${usable}`;
}
