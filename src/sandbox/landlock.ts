/** Which paths a command may touch under Landlock, which knows no masks: what may not be touched is left out of the list. */
import { spawnSync } from "node:child_process";
import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { contains } from "./paths.ts";

export const PERL = "/usr/bin/perl";

/** Rights on a folder and all below it, or on one file (linux/landlock.h, ABI 5). */
const READ = 0x000d;
const WRITE = 0x77bf;
const LIST = 0x0008;
const ON_FILES = 0x4007;
/** All rights up to version 3; what a writable folder gets of them (all but making devices), what a readable one, and the listing alone. */
export const ALL = { handled: 0x7fff, write: WRITE, read: READ, list: LIST } as const;

/** The version of Landlock that the kernel speaks; 0 without it. */
export function landlockVersion(): number {
  if (process.platform !== "linux") return 0;
  const asked = spawnSync(PERL, ["-e", "print syscall(444, 0, 0, 1)"], { encoding: "utf8", env: {} });
  return Math.max(0, Number(asked.stdout) || 0);
}

export interface Rule {
  readonly path: string;
  readonly rights: number;
}

export interface Carving {
  /** Neither to be read nor written, with all below. */
  readonly hidden: readonly string[];
  /** Not to be written, with all below. */
  readonly frozen: readonly string[];
  readonly writable: boolean;
}

/**
 * A folder without exceptions below gets one rule. One with exceptions may be listed, and its other entries get
 * rules of their own: nothing new can be made in it, for a right to do so would hold for the exceptions too.
 */
export function carve(folder: string, how: Carving): Rule[] {
  const within = (places: readonly string[]) => places.some((place) => contains(folder, place));
  if (how.hidden.includes(folder)) return [];
  if (how.writable && how.frozen.includes(folder)) return carve(folder, { ...how, frozen: [], writable: false });
  if (!within(how.hidden) && !(how.writable && within(how.frozen)))
    return [{ path: folder, rights: how.writable ? WRITE : READ }];
  const entries = list(folder).flatMap((entry): Rule[] => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return carve(path, how);
    if (!entry.isFile() || how.hidden.includes(path)) return [];
    const rights = how.writable && !how.frozen.includes(path) ? WRITE : READ;
    return [{ path, rights: rights & ON_FILES }];
  });
  return [{ path: folder, rights: LIST }, ...entries];
}

/** A rule for `path` as it is: a file takes no rights of folders. Nothing for what is missing. */
export function rule(path: string, kind: "read" | "write"): Rule[] {
  if (!existsSync(path)) return [];
  const rights = kind === "write" ? WRITE : READ;
  return [{ path, rights: statSync(path).isDirectory() ? rights : rights & ON_FILES }];
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** prctl(2), seccomp(2); the Landlock calls have one number everywhere. */
const CALLS: Readonly<Record<string, readonly [prctl: number, seccomp: number]>> = {
  x64: [157, 317],
  arm64: [167, 277],
};

/** Perl and its arguments: a keeper that ends with us, and below it `command` under `rules` and the filter on `filterFd`. */
export function landlockCommand(
  rules: readonly Rule[],
  command: readonly string[],
  filterFd: number,
): readonly string[] | undefined {
  const numbers = CALLS[process.arch];
  if (!numbers) return undefined;
  const listed = rules.flatMap(({ path, rights }) => [path, String(rights)]);
  return [PERL, "-e", KEEPER, ...[...numbers, filterFd, rules.length].map(String), ...listed, ...command];
}

/**
 * The keeper takes over every process that its children leave behind (a child subreaper) and kills them all when the
 * command ends, when it is told to (SIGTERM) and when its own parent dies. Nothing inside may signal it (Landlock's
 * signal scope). The child handles all rights, adds the rules, gives up new privileges and starts the command.
 */
const KEEPER = `use strict; use POSIX ();
my ($prctl, $seccomp, $fd, $count) = map { $_ + 0 } splice(@ARGV, 0, 4);
my @rules = map { [splice(@ARGV, 0, 2)] } 1 .. $count;
sub sys { my ($what, @call) = @_; my $r = syscall($call[0], @call[1 .. $#call]); die "$what: $!\\n" if $r < 0; $r }
my $parent = getppid;
my $told = 0;
$SIG{TERM} = sub { $told = 1 }; $SIG{$_} = "IGNORE" for qw(INT HUP QUIT PIPE);
sys("death signal", $prctl, 1, 15, 0, 0, 0); exit 1 if getppid != $parent;
sys("subreaper", $prctl, 36, 1, 0, 0, 0);
open(my $file, "<&=", $fd) or die "filter: $!\\n"; binmode $file; my $filter = do { local $/; <$file> }; close $file;
my $pid = fork; defined $pid or die "fork: $!\\n";
if (!$pid) {
  $SIG{$_} = "DEFAULT" for qw(TERM INT HUP QUIT PIPE);
  sys("death signal", $prctl, 1, 9, 0, 0, 0);
  my $attr = pack("QQQ", 0xffff, 3, 3);
  my $set = sys("landlock", 444, $attr, 24, 0);
  for my $r ([ "/proc/$$", 0xc ], @rules) {
    sysopen(my $at, $r->[0], 0x200000) or next;
    my $beneath = pack("Ql", $r->[1], fileno $at);
    sys("landlock rule for $r->[0]", 445, $set, 1, $beneath, 0);
  }
  sys("no new privileges", $prctl, 38, 1, 0, 0, 0);
  sys("landlock", 446, $set, 0);
  my $program = pack("SxxxxxxP", length($filter) / 8, $filter);
  sys("filter", $seccomp, 1, 0, $program);
  exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";
}
close STDIN; close STDOUT; POSIX::close($_) for (3, 4);
my $status = 0;
# A signal that comes just before the wait is seen when the wait ends: no wait is long.
$SIG{CHLD} = sub {};
my $ended = 0;
while (!$told && !$ended) {
  while ((my $gone = waitpid(-1, 1)) > 0) { if ($gone == $pid) { $status = $?; $ended = 1 } }
  select(undef, undef, undef, 0.2) if !$told && !$ended;
}
$SIG{TERM} = "IGNORE";
sub below { my %parent; for my $dir (glob "/proc/[0-9]*") {
    open(my $s, "<", "$dir/stat") or next; my $line = <$s> // next;
    $parent{$1} = $2 if $line =~ /^(\\d+) .*\\) \\S (\\d+)/s }
  my @found = ($$); for (my $i = 0; $i < @found; $i++) { push @found, grep { $parent{$_} == $found[$i] } keys %parent } shift @found; @found }
for (1 .. 2000) { kill 9, below(); 1 while waitpid(-1, 1) > 0; last if waitpid(-1, 1) < 0; select(undef, undef, undef, 0.001) }
exit($told ? 137 : $status & 127 ? 128 + ($status & 127) : $status >> 8);`;
