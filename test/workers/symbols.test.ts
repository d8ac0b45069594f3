import { expect, test } from "vitest";
import { LANGUAGES, type Language, languageOf } from "../../src/base/languages.ts";
import type { FileSymbols } from "../../src/core/ports/workers.ts";
import { grammarsInMemory } from "../../src/grammars.ts";
import { parseFiles } from "../../src/workers/symbols.ts";

const grammars = grammarsInMemory();

async function parse(language: Language, ...texts: (string | Uint8Array)[]): Promise<FileSymbols[]> {
  const files = texts.map((text) => (typeof text === "string" ? new TextEncoder().encode(text) : text));
  const symbols = await parseFiles({ language, ...grammars(language), files });
  return symbols.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as FileSymbols);
}

/** Source, signatures by line, names used. */
const SAMPLES: Readonly<Record<Language, readonly [string, readonly string[], readonly string[]]>> = {
  typescript: [
    `import { Base, type Shape } from "./base.ts";
export const API_KEY = "sk-very-secret";
export const draw = async (shape: Shape, { scale }: { scale: number }): Promise<void> => {
  const local = await shape.render(helper(scale));
};
export abstract class Circle<T = {}> extends Base implements Shape {
  area(radius: number): number { return new Sum(radius).total(); }
  abstract name(): string;
}
interface Point { x: number }
type Points = Point[];
enum Colour { Red }`,
    [
      "2 const const API_KEY",
      "3 const const draw = async (shape: Shape, { scale }: { scale: number }): Promise<void>",
      "6 class abstract class Circle<T",
      "7 method area(radius: number): number",
      "8 method abstract name(): string",
      "10 interface interface Point",
      "11 type type Points",
      "12 enum enum Colour",
    ],
    ["Base", "Shape", ".render", "helper", "Sum", ".total", "Promise", "Point"],
  ],
  tsx: [
    "export function Page({ title }: Props) {\n  return <Layout><Title text={title} /></Layout>;\n}",
    ["1 function function Page({ title }: Props)"],
    ["Props", "Layout", "Title"],
  ],
  javascript: [
    "class Queue extends List {\n  push(item) { this.items.add(item); }\n}\nfunction* walk(tree) { yield visit(tree); }",
    ["1 class class Queue extends List", "2 method push(item)", "4 function function* walk(tree)"],
    ["List", ".add", "visit"],
  ],
  python: [
    "LIMIT = 3\n@cached\nclass Store(Base):\n    def get(self, key: Key,\n            default=None) -> Value:\n        return load(key).open()\n",
    ["1 const LIMIT", "3 class class Store(Base)", "4 function def get(self, key: Key, default=None) -> Value"],
    ["cached", "Base", "Key", "Value", "load", "open"],
  ],
  go: [
    "package a\nconst Limit = 3\ntype Server struct { Addr Address }\nfunc (s *Server) Run(ctx Context) error {\n\treturn http.Listen(open(s))\n}\nfunc open(s *Server) int { return 1 }\n",
    [
      "2 const Limit",
      "3 type Server struct",
      "4 method func (s *Server) Run(ctx Context) error",
      "7 function func open(s *Server) int",
    ],
    ["Address", "Server", "Context", "Listen", "open"],
  ],
  rust: [
    "use crate::a::Thing;\npub struct Point { x: Unit }\nimpl Point {\n  pub fn new(x: Unit) -> Self { check!(x); make(x).done(); Other::with() }\n}\ntrait Shape { fn area(&self) -> f64; }\nmod inner {}\n",
    [
      "2 struct pub struct Point",
      "4 function pub fn new(x: Unit) -> Self",
      "6 trait trait Shape",
      "6 function fn area(&self) -> f64",
      "7 module mod inner",
    ],
    ["Thing", "Unit", "check", "make", "done", "with"],
  ],
  java: [
    "public class Main extends Base implements Runs {\n  public Main(Config c) { super(c); }\n  public int run(String[] args) { return helper.call(new Thing()); }\n}\ninterface Runs {}\n",
    [
      "1 class public class Main extends Base implements Runs",
      "2 constructor public Main(Config c)",
      "3 method public int run(String[] args)",
      "5 interface interface Runs",
    ],
    ["Base", "Config", "call", "Thing"],
  ],
  cpp: [
    "#define MAX(a, b) a\nstruct Node { Value v; int size() const; };\nclass Tree : public Base {\n  void add(Node* n) { grow(n)->touch(); }\n};\nint Tree::count(Node& n) { return std::min(n); }\nstatic char *name(void)\n{\n  return 0;\n}\nstruct Node *use;\n",
    [
      "1 macro #define MAX(a, b) a",
      "2 struct struct Node",
      "2 method int size() const",
      "3 class class Tree : public Base",
      "4 method void add(Node* n)",
      "6 method int Tree::count(Node& n)",
      "7 function static char *name(void)",
    ],
    ["Value", "Base", "Node", "grow", "touch", "min"],
  ],
  ruby: [
    "module Shop\n  class Order < Base\n    def paid?(by)\n      Ledger.find(by).empty?\n    end\n    def self.open; end\n  end\nend\n",
    ["1 module module Shop", "2 class class Order < Base", "3 method def paid?(by)", "6 method def self.open"],
    ["Base", "Ledger", "find", "empty?"],
  ],
  php: [
    "<?php\nclass Cart extends Base implements Counts {\n  public function add(Item $i): int { return helper($i)->total(Tax::of(new Rate())); }\n}\nfunction helper($x) {}\n",
    [
      "2 class class Cart extends Base implements Counts",
      "3 method public function add(Item $i): int",
      "5 function function helper($x)",
    ],
    ["Base", "Counts", "Item", "helper", "total", "Tax", "of", "Rate"],
  ],
  "c-sharp": [
    "namespace A;\npublic class Cart : Base\n{\n  public int Total { get; set; }\n  public Cart(Item i) { }\n  public Item Add(Item i)\n  { return Help.Make(new Rate()); }\n}\npublic enum Kind { A }\n",
    [
      "2 class public class Cart : Base",
      "4 property public int Total",
      "5 constructor public Cart(Item i)",
      "6 method public Item Add(Item i)",
      "9 enum public enum Kind",
    ],
    ["Base", "Item", "Make", "Rate"],
  ],
};

test.each(LANGUAGES)("%s: what is defined and what is used", async (language) => {
  const [source, defined, used] = SAMPLES[language];
  const [symbols] = await parse(language, source);
  expect(symbols?.defs.map(([, kind, line, signature]) => `${line} ${kind} ${signature}`)).toEqual(defined);
  expect(symbols?.refs.filter((each) => typeof each === "string")).toEqual(expect.arrayContaining([...used]));
});

test("values of constants are not kept, uses are counted, definitions are no uses", async () => {
  const [symbols] = await parse("typescript", 'const PASSWORD = "hunter2";\nfunction a() { b(); b(); }\n');
  expect(JSON.stringify(symbols)).not.toContain("hunter2");
  expect(symbols?.refs).toEqual(["b", 2]);
});

test("no text, an empty file and a broken one", async () => {
  const broken = "function whole(a) {}\nfunction {{{ ((\n";
  const [binary, empty, half] = await parse("javascript", new Uint8Array([0, 1, 2]), "", broken);
  expect(binary).toEqual({ defs: [], refs: [] });
  expect(empty).toEqual({ defs: [], refs: [] });
  expect(half?.defs[0]).toEqual(["whole", "function", 1, "function whole(a)"]);
});

test("a language is told by the ending of a name", () => {
  expect(["a/b.ts", "x.TSX", "a.h", "a.pyi", "lib.rs/readme", "Makefile", ".ts"].map(languageOf)).toEqual([
    "typescript",
    "tsx",
    "cpp",
    "python",
    undefined,
    undefined,
    "typescript",
  ]);
});
