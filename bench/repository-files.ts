/** Source files of a made-up repository in many languages: each defines some names and uses names of others. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Names {
  readonly id: number;
  /** Numbers of the files whose names it uses. */
  readonly used: readonly number[];
}
type Write = (names: Names) => string;

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join("");

const ecma =
  (types: boolean): Write =>
  ({ id, used }) => {
    const as = (type: string) => (types ? `: ${type}` : "");
    return `${times(used.length, (at) => `import { handleOrder${used[at]} } from "../pack${(used[at] ?? 0) % 97}/order${used[at]}.js";\n`)}
/** Works on orders of kind ${id}: what is open is settled first, what is settled is told. */
${types ? `export interface Order${id} {\n  readonly key: string;\n  readonly amount: number;\n  readonly tags: readonly string[];\n}\n` : ""}
export class Ledger${id} {
  constructor(name${as("string")}, limit${as("number")}) { this.name = name; this.limit = limit; this.rows = []; }
${times(4, (at) => `  record${at}(order${as(types ? `Order${id}` : "object")}, at${as("number")}) {\n    if (order.amount > this.limit) throw new RangeError("too much: " + order.key);\n    const row = { key: order.key, at, amount: order.amount * ${at + 2} };\n    this.rows.push(row);\n    return ${used[at] === undefined ? "row" : `handleOrder${used[at]}(row.key, row.amount)`};\n  }\n`)}}

export function handleOrder${id}(key${as("string")}, amount${as("number")}) {
  const parts = key.split("-").map((part) => part.trim()).filter(Boolean);
  for (const [index, part] of parts.entries()) {
    if (part.length > amount + index) return ${times(used.length, (at) => `handleOrder${used[at]}(part, amount) + `)}1;
  }
  return parts.length;
}
`;
  };

const python: Write = ({ id, used }) => `"""Orders of kind ${id}."""
${times(used.length, (at) => `from pack${(used[at] ?? 0) % 97}.order${used[at]} import handle_order_${used[at]}\n`)}
LIMIT_${id} = ${id % 100}


class Ledger${id}:
    """Keeps rows until they are settled."""

    def __init__(self, name: str, limit: int = ${id % 90}) -> None:
        self.name = name
        self.rows = []

${times(4, (at) => `    def record_${at}(self, order, at):\n        if order.amount > LIMIT_${id}:\n            raise ValueError("too much: " + order.key)\n        row = {"key": order.key, "at": at, "amount": order.amount * ${at}}\n        self.rows.append(row)\n        return ${used[at] === undefined ? "row" : `handle_order_${used[at]}(row["key"], at)`}\n\n`)}
def handle_order_${id}(key, amount):
    parts = [part.strip() for part in key.split("-") if part]
    for index, part in enumerate(parts):
        if len(part) > amount + index:
            return ${times(used.length, (at) => `handle_order_${used[at]}(part, amount) + `)}1
    return len(parts)
`;

const go: Write = ({ id, used }) => `package pack${id % 97}

import ("errors"; "strings")

// Ledger${id} keeps rows until they are settled.
type Ledger${id} struct {
	Name  string
	Limit int
	rows  []Row${id}
}

type Row${id} struct{ Key string; At, Amount int }

${times(4, (at) => `func (l *Ledger${id}) Record${at}(key string, at int) (Row${id}, error) {\n\tif at > l.Limit {\n\t\treturn Row${id}{}, errors.New("too much: " + key)\n\t}\n\trow := Row${id}{Key: key, At: at, Amount: at * ${at}}\n\tl.rows = append(l.rows, row)\n\treturn row, nil\n}\n\n`)}
func HandleOrder${id}(key string, amount int) int {
	parts := strings.Split(key, "-")
	for index, part := range parts {
		if len(part) > amount+index {
			return ${times(used.length, (at) => `HandleOrder${used[at]}(part, amount) + `)}1
		}
	}
	return len(parts)
}
`;

const rust: Write = ({ id, used }) => `//! Orders of kind ${id}.
${times(used.length, (at) => `use crate::pack${(used[at] ?? 0) % 97}::order${used[at]}::handle_order_${used[at]};\n`)}
pub struct Ledger${id} { name: String, limit: usize, rows: Vec<Row${id}> }
pub struct Row${id} { key: String, amount: usize }

impl Ledger${id} {
${times(4, (at) => `    pub fn record_${at}(&mut self, key: &str, amount: usize) -> Result<usize, String> {\n        if amount > self.limit { return Err(format!("too much: {}", key)); }\n        self.rows.push(Row${id} { key: key.to_string(), amount: amount * ${at} });\n        Ok(self.rows.len())\n    }\n`)}}

pub fn handle_order_${id}(key: &str, amount: usize) -> usize {
    let parts: Vec<&str> = key.split('-').map(|part| part.trim()).collect();
    for (index, part) in parts.iter().enumerate() {
        if part.len() > amount + index { return ${times(used.length, (at) => `handle_order_${used[at]}(part, amount) + `)}1; }
    }
    parts.len()
}
`;

const braces =
  (open: string, fn: (name: string, body: string) => string, call: (name: string) => string): Write =>
  ({ id, used }) =>
    `${open}
// Orders of kind ${id}: what is open is settled first, what is settled is told.
class Ledger${id} {
${times(4, (at) => fn(`record${at}x${id}`, `int sum = ${at}; for (int i = 0; i < amount; i++) { sum = sum + i * ${at}; if (sum > ${id}) { break; } } return sum;`))}
${fn(`handleOrder${id}`, `return ${times(used.length, (at) => `${call(`handleOrder${used[at]}`)} + `)}1;`)}
};
`;

const java = braces(
  "package orders;\n",
  (name, body) => `  public static int ${name}(String key, int amount) {\n    ${body}\n  }\n`,
  (name) => `Orders.${name}(key, amount)`,
);
const cpp = braces(
  "#include <string>\n",
  (name, body) => `  static int ${name}(const std::string& key, int amount) {\n    ${body}\n  }\n`,
  (name) => `${name}(key, amount)`,
);
const csharp = braces(
  "using System;\n",
  (name, body) => `  public static int ${name}(string key, int amount)\n  {\n    ${body}\n  }\n`,
  (name) => `${name}(key, amount)`,
);

const php: Write = ({ id, used }) => `<?php
// Orders of kind ${id}.
class Ledger${id} extends Base {
${times(4, (at) => `  public function record${at}(string $key, int $amount): int {\n    if ($amount > $this->limit) { throw new RangeException("too much: " . $key); }\n    $this->rows[] = ["key" => $key, "amount" => $amount * ${at}];\n    return count($this->rows);\n  }\n`)}}
function handle_order_php_${id}($key, $amount) {
  foreach (explode("-", $key) as $index => $part) {
    if (strlen($part) > $amount + $index) { return ${times(used.length, (at) => `handle_order_php_${used[at]}($part, $amount) + `)}1; }
  }
  return 0;
}
`;

const ruby: Write = ({ id, used }) => `# Orders of kind ${id}.
class Ledger${id} < Base
${times(4, (at) => `  def record_${at}(key, amount)\n    raise "too much: #{key}" if amount > @limit\n    @rows << { key: key, amount: amount * ${at} }\n    @rows.length\n  end\n\n`)}end

def handle_order_rb_${id}(key, amount)
  key.split("-").each_with_index do |part, index|
    return ${times(used.length, (at) => `handle_order_rb_${used[at]}(part, amount) + `)}1 if part.length > amount + index
  end
  0
end
`;

/** Of a hundred files so many are of each kind. */
const KINDS: readonly (readonly [share: number, ending: string, write: Write])[] = [
  [30, "ts", ecma(true)],
  [5, "tsx", ecma(true)],
  [12, "js", ecma(false)],
  [20, "py", python],
  [10, "go", go],
  [6, "rs", rust],
  [6, "java", java],
  [4, "cpp", cpp],
  [3, "rb", ruby],
  [2, "php", php],
  [2, "cs", csharp],
];
const ENDINGS = KINDS.flatMap(([share, ending, write]) => Array.from({ length: share }, () => ({ ending, write })));

/** Writes file `id` of `count` below `folder` and gives its path; `salt` makes another text of the same file. */
export function writeSource(folder: string, id: number, { count, salt = 0 }: { count: number; salt?: number }): string {
  const { ending, write } = ENDINGS[(id * 37) % 100] ?? { ending: "py", write: python };
  const used = [1, 2, 3].map((step) => (id * 7919 + step * step * 104_729 + salt) % Math.ceil(count / step ** 2));
  const path = join(folder, `pack${id % 97}`, `order${id}.${ending}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, write({ id, used }));
  return path;
}
