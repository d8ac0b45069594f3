/** Commands that need the network, more rights, or that destroy: what the person is asked, and what is never done. */
import { ask, type CommandRule, deny, type Finding, type SimpleCommand, type Trait } from "../types.ts";
import { namesSecret, OWN_SERVER } from "./sinks.ts";

function fixed(finding: (command: SimpleCommand) => Finding, ...traits: Trait[]): CommandRule {
  return (command, report) => {
    for (const trait of traits) report.mark(trait);
    report.effect("write");
    report.find(finding(command));
  };
}

/** A network client; a secret file among its words would leave the machine. */
const net =
  (...traits: Trait[]): CommandRule =>
  (command, report) => {
    for (const trait of ["net", ...traits] as const) report.mark(trait);
    report.effect("write");
    const words = command.args.map((word) => word.text);
    if (words.some(namesSecret)) report.mark("secret");
    if (OWN_SERVER.test(words.join(":")))
      report.find(deny("tamper.self", "the agent does not speak to its own server"));
    if (
      words.some(
        (word) => /^(?:-[a-z]*[ec]|--(?:sh-|lua-)?exec)$/.test(word) && /^n(?:et)?c(?:at)?$/.test(command.name),
      ) ||
      words.some((word) => /^(?:EXEC|SYSTEM|SHELL):/i.test(word))
    ) {
      report.find(deny("remote-code.listener", `${command.name} would tie a program to a network connection`));
    }
    report.find(ask("network.command", `${command.name} needs the network`));
  };
const never = (rule: string, reason: string): CommandRule =>
  fixed((command) => deny(rule, `${command.name} ${reason}`));
const opaque = (reason: string): CommandRule =>
  fixed((command) => ask("shell.opaque", `${command.name} ${reason}`), "shell");
const rights = fixed((command) =>
  ask("privilege.system", `${command.name} acts on the system outside the workspace`, "high"),
);

const ddRule: CommandRule = (command, report) => {
  report.effect("write");
  for (const word of command.args) {
    if (word.kind === "dynamic") report.find(ask("shell.dynamic", `${word.text} is only known when it runs`));
    if (word.text.startsWith("of=")) report.path({ ...word, tilde: true, text: word.text.slice(3) }, "write");
    else if (word.text.startsWith("if=")) report.path({ ...word, tilde: true, text: word.text.slice(3) }, "read");
    else if (!/^(?:bs|count|skip|seek|conv|status|iflag|oflag|ibs|obs)=/.test(word.text))
      report.find(ask("shell.option-unknown", `dd ${word.text} is not on the list`));
  }
};

const killRule: CommandRule = (command, report) => {
  report.effect("write");
  const targets = command.args.filter((word, index) => !word.text.startsWith("-") || index === command.args.length - 1);
  const bad = targets.some((word) => /^-?1$|PPID|codecrucible|crucible/.test(word.text));
  report.find(
    bad
      ? deny("tamper.kill", "this kills the session's own parents or every process")
      : ask("privilege.kill", `${command.name} ends processes`),
  );
};

const ownerRule: CommandRule = (command, report) => {
  report.effect("write");
  const outside = command.args.some((word) => word.text === "/" || word.text === "/*");
  const recursive = command.args.some((word) => /^-\w*R|^--recursive$/.test(word.text));
  for (const word of command.args.slice(1))
    if (!word.text.startsWith("-") && word.kind !== "dynamic") report.path(word, "write", { recursive });
  report.find(
    outside
      ? deny("destructive.chown", "changing the owner of the whole system")
      : ask("privilege.owner", `${command.name} changes who may do what with files`, "high"),
  );
};

const crontabRule: CommandRule = (command, report) =>
  report.find(
    command.args[0]?.text === "-l"
      ? ask("privilege.crontab", "crontab -l shows planned jobs")
      : deny("tamper.crontab", "crontab plans commands that run later"),
  );

/** Attaching to a running program reads and writes its memory. */
const tracerRule: CommandRule = (command, report) => {
  report.effect("write");
  report.mark("shell");
  const attaches = command.args.some((word) => /^(?:-p|--pid|--attach)/.test(word.text)) || command.name === "reptyr";
  report.find(
    attaches
      ? deny("tamper.attach", `${command.name} would reach into a running program`)
      : ask("shell.opaque", `${command.name} starts and looks into other programs`),
  );
  report.carried(command.args);
};

/** The agent does not run the program that holds its reins. */
const selfRule: CommandRule = (command, report) => {
  if (command.args.length === 1 && /^(?:--version|-v|--help|-h)$/.test(command.args[0]?.text ?? "")) return;
  report.find(deny("tamper.self", `${command.name} would change or go around its own policy`));
};

const unsetRule: CommandRule = (command, report) => {
  const ours = command.args.some((word) => /^(?:CODE)?CRUCIBLE_/.test(word.text));
  report.find(
    ours
      ? deny("tamper.self", "this variable steers this program")
      : ask("shell.opaque", "unset changes what later commands do"),
  );
};

const serviceRule: CommandRule = (command, report) => {
  report.effect("write");
  const stops = command.args.some((word) =>
    /^(?:poweroff|reboot|halt|kexec|suspend|hibernate|rescue|emergency)$/.test(word.text),
  );
  const own = command.args.some((word) => /crucible/.test(word.text));
  if (own) report.find(deny("tamper.self", "this stops the program that holds the reins"));
  report.find(
    stops
      ? deny("destructive.system", "this stops the machine")
      : ask("privilege.system", "systemctl acts on the system outside the workspace", "high"),
  );
};

/** Tools of disks and databases: some of their verbs leave nothing behind. */
const wipingRule: CommandRule = (command, report) => {
  report.effect("write");
  const wipes = command.args.some((word) =>
    /^(?:destroy|drop|format|sanitize|erase|luksFormat|luksErase|--security-erase[\w-]*|--zero-superblock)$/.test(
      word.text,
    ),
  );
  report.find(
    wipes
      ? deny("destructive.system", `${command.name} would remove data that cannot be brought back`)
      : ask("privilege.system", `${command.name} acts on the system outside the workspace`, "high"),
  );
};

const table = (names: string, rule: CommandRule): Record<string, CommandRule> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

export const systemCommands: Record<string, CommandRule> = {
  dd: ddRule,
  kill: killRule,
  pkill: killRule,
  killall: killRule,
  chown: ownerRule,
  chgrp: ownerRule,
  setfacl: ownerRule,
  chattr: ownerRule,
  crontab: crontabRule,
  ...table(
    "ssh scp sftp telnet ftp tftp lftp http https xh aria2c lynx w3m whois traceroute mtr nmap mosh ping dig host nslookup getent twine pipx uvx gem brew apt apt-get dnf yum apk rustup cargo-install",
    net(),
  ),
  ...table("nc ncat netcat socat mail sendmail rclone openssl xdg-open open", net("net-upload", "shell")),
  ...table("ngrok cloudflared", never("remote-code.tunnel", "opens this machine to the network")),
  ...table(
    "userdel groupdel mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs mke2fs mkswap fdisk sfdisk gdisk sgdisk cfdisk parted blkdiscard wipefs lvremove vgremove pvremove dropdb dropuser killall5 shutdown reboot halt poweroff init telinit swapoff",
    never("destructive.system", "destroys data or stops the machine"),
  ),
  ...table(
    "mount umount nsenter unshare chroot pivot_root kexec insmod modprobe rmmod",
    never("tamper.namespace", "changes what the sandbox protects"),
  ),
  ...table("strace ltrace gdb ptrace reptyr", tracerRule),
  ...table(
    "setenforce aa-disable aa-complain aa-teardown apparmor_parser auditctl",
    never("tamper.kernel-policy", "weakens the system's own protection"),
  ),
  ...table(
    "tmux screen xdotool ydotool wtype expect ttyecho",
    never("tamper.terminal", "can type in the person's name"),
  ),
  ...table("crucible codecrucible", selfRule),
  ...table("zpool zfs cryptsetup hdparm nvme mdadm losetup mysqladmin", wipingRule),
  unset: unsetRule,
  systemctl: serviceRule,
  ...table(
    "source . alias unalias hash enable shopt declare typeset readonly local read mapfile readarray let popd dirs umask ulimit at batch",
    opaque("changes or hides what runs"),
  ),
  ...table(
    "service loginctl useradd usermod passwd visudo sysctl setcap iptables nft update-alternatives ldconfig",
    rights,
  ),
  ...table("vim vi nvim emacs nano ed ex man info code cursor", opaque("is interactive and can start programs")),
  ...table(
    "printenv gpg pass security secret-tool",
    fixed((command) => ask("secret.command", `${command.name} shows secrets`, "high"), "secret"),
  ),
  ...table("git-lfs lfs direnv mise asdf", rights),
};
