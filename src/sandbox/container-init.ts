/** The first process of ours inside a sandbox that another program makes: it closes the last ways out, passes the one order on, and ends everything when its input ends. */
import { readlinkSync } from "node:fs";
import { ALL } from "./landlock.ts";

/** prctl(2), seccomp(2). */
const CALLS: Readonly<Record<string, readonly [prctl: number, seccomp: number]>> = {
  x64: [157, 317],
  arm64: [167, 277],
};

/** Stands alone in the error output when the shell inside waits. */
export const STARTED = "\0";

/** Perl's arguments in a container: only `names` of the environment are kept, `filter` is the seccomp program's path inside. Undefined on an unknown processor. */
export function initCommand(
  names: readonly string[],
  filter: string,
  command: readonly string[],
): readonly string[] | undefined {
  const numbers = CALLS[process.arch];
  if (!numbers) return undefined;
  return ["-e", CONTAINER, ...numbers.map(String), filter, names.join(" "), ...command];
}

/**
 * The same where the first process is not ours: `variables` become the whole environment; nothing but `writable` may be
 * written, and of what lies in `/tmp` nothing read but what is writable or `shown`.
 */
export function runtimeInitCommand(
  filter: string,
  given: {
    readonly variables: Readonly<Record<string, string>>;
    readonly writable: readonly string[];
    readonly shown: readonly string[];
  },
  command: readonly string[],
): readonly string[] | undefined {
  const numbers = CALLS[process.arch];
  if (!numbers) return undefined;
  const hex = (text: string) => Buffer.from(text).toString("hex");
  const words = Object.entries(given.variables).flatMap(([name, value]) => [hex(name), `=${hex(value)}`]);
  const places = [given.writable, given.shown].flatMap((paths) => [String(paths.length), ...paths]);
  return ["-e", RUNTIME, ...numbers.map(String), filter, words.join(" "), outside(), ...places, ...command];
}

/** What only a process outside has: the number of our process namespace; elsewhere our own number, which nothing inside may signal. */
function outside(): string {
  return process.platform === "linux" ? readlinkSync("/proc/self/ns/pid") : String(process.pid);
}

const HEAD = `use strict; use POSIX ();
my ($prctl, $seccomp, $path, $names) = splice(@ARGV, 0, 4); $_ += 0 for ($prctl, $seccomp);
sub sys { my ($what, @call) = @_; my $r = syscall($call[0], @call[1 .. $#call]); die "$what: $!\\n" if $r < 0; $r }
$> and $< or die "root inside\\n";
`;

/** Nobody inside may read or trace it (PR_SET_DUMPABLE). */
const CLOSE = `  sys("no core", $prctl, 4, 0, 0, 0, 0);
  open(my $file, "<", $path) or die "filter: $!\\n"; binmode $file; my $filter = do { local $/; <$file> }; close $file;
  sys("no new privileges", $prctl, 38, 1, 0, 0, 0);
`;
const FILTER = `  my $program = pack("SxxxxxxP", length($filter) / 8, $filter);
  sys("filter", $seccomp, 1, 0, $program);
`;

/** The end of the input means that crucible or the program between has gone, however it went. */
const PASS = `$SIG{$_} = "IGNORE" for qw(INT HUP QUIT PIPE);
pipe(my $in, my $out) or die "pipe: $!\\n";
my $pid = fork; defined $pid or die "fork: $!\\n";
if (!$pid) {
  $SIG{$_} = "DEFAULT" for qw(INT HUP QUIT PIPE);
  POSIX::setsid(); POSIX::dup2(fileno $in, 0); close $out;
  my $null = POSIX::open("/dev/null", POSIX::O_WRONLY()); POSIX::dup2($null, $_) for (3, 4);
  exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";
}
close $in; close STDOUT; syswrite(STDERR, "\\0"); close STDERR;
# A signal that comes just before the wait is seen when the wait ends: no wait is long.
$SIG{CHLD} = sub {}; my $told = 0; $SIG{TERM} = sub { $told = 1 };
my $status;
while (!$told && !defined $status) {
  while ((my $gone = waitpid(-1, 1)) > 0) { $status = $? if $gone == $pid }
  last if defined $status;
  my $ready = ""; vec($ready, 0, 1) = 1;
  next if select($ready, undef, undef, 0.05) <= 0;
  my $got = sysread(STDIN, my $bytes, 65536);
  if ($got) { my $put = 0; while ($put < $got) { $put += syswrite($out, $bytes, $got - $put, $put) // last } }
  elsif (defined $got || !$!{EINTR}) { $told = 1 }
}
`;
const EXIT = `exit($told ? 137 : $status & 127 ? 128 + ($status & 127) : $status >> 8);`;

/** The kernel lets nobody in a pid namespace end its first process, and ends the namespace with it. */
const CONTAINER = `${HEAD}$$ == 1 or die "not the first process\\n";
my %keep = map { $_ => 1 } split / /, $names; delete @ENV{grep { !$keep{$_} } keys %ENV};
{
${CLOSE}${FILTER}}
${PASS}${EXIT}`;

/**
 * Refuses to start where it can tell that nothing lies around it: at the end it kills whatever it can reach. Landlock
 * keeps the empty places of a bind-mounted root (a private `/etc`) from being written, and what another program shares
 * in `/tmp` from being read.
 */
const RUNTIME = `${HEAD}my $outside = shift; my @writable = splice(@ARGV, 0, shift); my @shown = splice(@ARGV, 0, shift);
my $linux = $^O eq "linux";
if ($linux) { (readlink("/proc/self/ns/pid") // $outside) ne $outside or die "not confined\\n" }
else { !kill(0, $outside) && $!{EPERM} or die "not confined\\n" }
%ENV = map { s/^=//; pack "H*", $_ } split / /, $names;
if ($linux) {
${CLOSE}  my $set = sys("Landlock", 444, pack("Q", ${ALL.handled}), 8, 0);
  opendir(my $root, "/") or die "/: $!\\n"; my @top = map { "/$_" } grep { !/^(?:\\.\\.?|tmp)$/ } readdir $root;
  for my $rule (["/", ${ALL.list}], (map { [$_, ${ALL.read}] } @top, @shown), map { [$_, ${ALL.write}] } @writable) {
    my ($place, $rights) = @$rule;
    sysopen(my $at, $place, 0x200000) or next;
    my $beneath = pack("Ql", $rights & (-d $at ? 0xffff : 0x4007), fileno $at);
    sys("Landlock rule for $place", 445, $set, 1, $beneath, 0);
  }
  sys("Landlock", 446, $set, 0);
${FILTER}}
${PASS}$SIG{TERM} = "IGNORE";
for (1 .. 2000) { last if !kill(9, -1); 1 while waitpid(-1, 1) > 0; select(undef, undef, undef, 0.001) }
${EXIT}`;
