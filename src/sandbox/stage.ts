/** Started as root: lays out what a command may see in a mount namespace of its own, then gives root up. */
import type { Identity } from "./identity.ts";

/** A folder or file to show; `mapped` ones swap root with the stand-in uid. */
export interface StagedSource {
  readonly path: string;
  readonly mapped: boolean;
}

/** Any folder will do: it is covered only in the namespace of one command. */
const PLACE = "/mnt";

export function stagedPath(index: number): string {
  return `${PLACE}/s${index}`;
}

/** Numbers of unshare(2) and mount(2); the newer calls have one number everywhere. */
const SYSCALLS: Readonly<Record<string, readonly [unshare: number, mount: number]>> = {
  x64: [272, 165],
  arm64: [97, 40],
};

/** The command line that stages `sources` and runs `command` as `identity`; undefined on an unknown processor. */
export function stageCommand(
  identity: Identity,
  sources: readonly StagedSource[],
  command: readonly string[],
): string[] | undefined {
  const numbers = SYSCALLS[process.arch];
  if (!numbers) return undefined;
  const { uid, gid } = identity;
  const listed = sources.flatMap((source) => [source.path, source.mapped && identity.kind === "mapped" ? "1" : "0"]);
  const drop = ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--", ...command];
  return ["/usr/bin/perl", "-e", SCRIPT, ...[...numbers, uid, PLACE, sources.length].map(String), ...listed, ...drop];
}

/**
 * unshare(CLONE_NEWNS); all mounts private; open_tree(2) each source, mount_setattr(2) the user namespace of a
 * waiting child (0 <-> uid) on mapped ones, then move_mount(2) each onto a fresh tmpfs.
 */
const SCRIPT = `use strict;
my ($unshare, $mount, $uid, $place, $count) = map { $_ =~ /^\\d+$/ ? $_ + 0 : $_ } splice(@ARGV, 0, 5);
my @sources = map { [splice(@ARGV, 0, 2)] } 1 .. $count;
sub sys { my ($what, @call) = @_; my $r = syscall($call[0], @call[1 .. $#call]); die "$what: $!\\n" if $r < 0; $r }
my $empty = "";
sys("unshare", $unshare, 0x20000);
my $root = "/";
sys("private mounts", $mount, $empty, $root, $empty, 0x44000, 0);
my $ns = -1; my $nsfh;
if (grep { $_->[1] } @sources) {
  pipe(my $r, my $w); pipe(my $hr, my $hw);
  my $pid = fork // die "fork: $!\\n";
  if (!$pid) { close $hw; sys("user namespace", $unshare, 0x10000000); syswrite $w, "x"; sysread $hr, my $b, 1; exec "/bin/false" }
  close $w; close $hr; sysread($r, my $b, 1) or die "no user namespace\\n";
  for my $map ("uid_map", "gid_map") { open(my $f, ">", "/proc/$pid/$map") or die "$map: $!\\n"; syswrite($f, "0 $uid 1") or die "$map: $!\\n"; close $f }
  open($nsfh, "<", "/proc/$pid/ns/user") or die "ns: $!\\n";
  $ns = fileno($nsfh); kill 9, $pid; waitpid $pid, 0;
}
my @trees;
for my $s (@sources) {
  my ($path, $mapped) = @$s;
  my $tree = sys("open $path", 428, -100, $path, 0x1 | 02000000 | 0x8000);
  if ($mapped) { my $attr = pack("QQQQ", 0x100000, 0, 0, $ns); sys("id-mapped mount of $path", 442, $tree, $empty, 0x1000 | 0x8000, $attr, 32) }
  push @trees, [$tree, -d $path];
}
my $type = "tmpfs"; my $opts = "mode=0755";
sys("stage", $mount, $type, $place, $type, 0, $opts);
for my $i (0 .. $#trees) {
  my ($tree, $dir) = @{$trees[$i]}; my $target = "$place/s$i";
  if ($dir) { mkdir $target, 0755 or die "$target: $!\\n" } else { open(my $f, ">", $target) or die "$target: $!\\n"; close $f }
  sys("move $target", 429, $tree, $empty, -100, $target, 4);
}
chdir "/"; exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n";`;
