/** The English words that the guards know, and what each list allows. */

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** A question that begins with one of these asks to be told something; politeness before it means nothing more. */
export const TELLING = set("explain describe show list summarize summarise compare tell find give outline");

export const ASKING = set("what how why where when who which whose");

/** At the start of a question that may end in `?`. */
export const AUXILIARY = set("is are was were do does did can could should would will has have had may might must");

/** Words whose capital at the start of a question is only the start's. */
export const FOLDED = set(
  "explain describe summarize summarise compare tell outline what how why where when who which whose is are was were do does did can could should would will please in i i'd hi hello hey kindly",
);

/** Turning one of these into another turns the meaning round. */
export const NEGATIONS = set(
  "not no never none nothing nobody nowhere neither nor without cannot except unless lacking hardly barely rarely seldom fails fail failed n't non instead but",
);

/** Words that have an opposite; each stands for itself. */
export const OPPOSITES = set(`
  on off enable disable enabled disabled open close opened closed start stop started stopped begin end add remove added
  removed insert delete create destroy push pull get set read write allow deny allowed denied accept reject include
  exclude increase decrease increment decrement up down left right top bottom before after first last next previous min max
  minimum maximum more less most least greater smaller larger fewer above below over under in out inside outside into from
  to true false yes no always never sync async synchronous asynchronous local remote public private internal external
  import export encode decode encrypt decrypt compress decompress lock unlock mount unmount install uninstall
  connect disconnect attach detach load unload save discard show hide expand collapse merge split join lead follow
  ascending descending asc desc old new oldest newest early late fast slow high low hot cold safe unsafe valid invalid
  mutable immutable static dynamic with without pass fail passes fails success failure all some any none every each
  server client source target input output parent child ancestor descendant upgrade downgrade commit revert undo redo
  can should must may only also same different like unlike possible impossible known unknown`);

/** After these `the` or `a` is no article of a thing: it is meant itself, or the text is broken. */
export const NO_NOUN = set(`
  a an the and or nor but if then else of to in on at by for from with without as than is are was were be been do does did
  done has have had can could should would will shall may might must not no never this that these those it its i you we
  they he she me us them my your our their what how why where when who which whose there here so because while until
  unless into onto over under between before after about versus vs via per
  mean means meant return returns hold holds contain contains equal equals refer refers point points store stores stand
  stands look looks take takes call calls use uses come comes go goes get gets work works
  few little lot lots bit couple number majority minority fraction most more least less rest best only one ones other same
  case order charge way`);

/** A question with one of these is about words themselves: nothing in it may be taken for a mere function word. */
export const ABOUT_WORDS = set(`
  translate translation echo say says said saying print prints printed type types typed spell spelling spelled proofread
  rewrite rephrase paraphrase reword correct grammar grammatical sentence sentences phrase phrases word words wording
  text texts string strings message messages title titles article articles term terms token tokens letter letters
  character characters keyword keywords pronounce read quote quoted verbatim literal literally prompt prompts
  called named name names noun verb prefix suffix`);

/** Beside these a word or a question mark may be part of a pattern, an operator or a command. */
export const MARKED = set(
  "cp mv rm ls cd ln chmod chown tar sed awk curl regex regexp pattern patterns glob globs wildcard match matches matching grep operator predicate ruby elixir scheme lisp clojure kotlin swift rust",
);

/** Function words of other languages that are no English words: with one of them a text is not plain English. */
export const FOREIGN = set(`
  der das und ist nicht ein eine einen wie warum wieso ich wir sie mit für auf zu den dem von bei oder aber kein keine
  le la les est une des pas pour dans que qui comment pourquoi avec sur ou et du ne je il elle ce cette
  el los las una es por para como donde cual cuando con sin del se un lo
  gli che non perché di della nel sono cosa uma não isso fazer het een niet wat hoe waarom van`);

/** Words by which plain English is known. */
export const ENGLISH = set(
  "the a an is are was were does do did what how why where when who which explain describe show list summarize summarise compare tell find give outline this that these those of in to for with from and or not please can could should would will i you it my your",
);

export const UNITS = set(`
  ns us ms s sec secs second seconds min mins minute minutes h hr hrs hour hours day days week weeks month months year years
  b kb mb gb tb kib mib gib tib byte bytes bit bits kilobytes megabytes gigabytes percent px em rem pt mm cm m km inch inches
  foot feet mile miles g kg lb lbs hz khz mhz ghz kbps mbps gbps celsius fahrenheit kelvin degrees usd eur dollars euros lines`);

export const NUMBER_WORDS = set(`
  zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty ninety
  hundred thousand million billion once twice thrice half third quarter double triple single both dozen
  first second fourth fifth sixth seventh eighth ninth tenth`);
