/** Which commands may show what the environment holds: a session that saw one is treated as one that knows secrets. */
import { expect, test } from "vitest";
import { analyzeShell } from "../../src/guard/shell/analyze.ts";

const showsSecret = (command: string) => analyzeShell(command, "/w", "/home/u").secret;

test.each([
  "echo $TOKEN",
  "for i in $SECRET; do echo $i; done",
  "for i in $(echo $TOKEN); do echo $i; done",
  "for i in a$(seq 2)$TOKEN; do echo $i; done",
  "for i in $(seq 2); do i=$TOKEN; echo $i; done",
  "for i in $(seq 2); do read i < .env; echo $i; done",
  "for i in $(true); do true; done; echo $i",
  "for TOKEN in $(true); do echo $TOKEN; done",
  "for i in $(cat .env); do echo $i; done",
])("may: %s", (command) => expect(showsSecret(command)).toBe(true));

test.each([
  "for i in $(seq 1 40); do echo tick $i; sleep 1; done",
  'for f in $(ls); do echo "== $f"; done',
  "for f in *.ts; do echo $f; done",
  "echo $HOME $?",
])("does not: %s", (command) => expect(showsSecret(command)).toBe(false));
