"""The inputs of the real programs, written anew for each measurement: same seed, same bytes.

Nothing is downloaded and nothing of this machine gets in, so that the work is the same anywhere.

SPDX-License-Identifier: MIT
"""
import json
import os
import random
import subprocess

import tests

SYLLABLES = ("ka", "ro", "mi", "ten", "su", "lan", "be", "or", "vi", "dal", "no", "sper", "qua",
             "ti", "el", "gra", "mun", "ze", "fi", "hor")


class Maker:
    """Writes the inputs that the chosen tests name."""

    def __init__(self, directory, percent, seed, git):
        self.directory = directory
        self.percent = percent
        self.seed = seed
        self.git = git

    def count(self, full):
        return max(1, full * self.percent // 100)

    def random(self, name):
        return random.Random(f"{self.seed} {name}")

    def write(self, name, parts):
        with open(self.directory / name, "w", encoding="ascii", newline="\n") as file:
            file.writelines(parts)

    def word(self, generator, frequent=True):
        """Some words are far more frequent than others, as in any text."""
        number = int(generator.paretovariate(0.9)) if frequent else generator.randrange(10**6)
        syllables = [SYLLABLES[number // 20 ** i % 20] for i in range(1 + number % 4)]
        return "".join(syllables)

    def words(self):
        generator = self.random("words")
        self.write("words.txt", (
            " ".join(self.word(generator) for _ in range(12)) + ".\n"
            for _ in range(self.count(22000))))

    def records(self):
        generator = self.random("records")
        records = [{"id": i, "name": f"{self.word(generator)} {self.word(generator, False)}",
                    "region": self.word(generator, False)[:4], "price": generator.randrange(10000),
                    "size": [generator.randrange(100) for _ in range(3)]}
                   for i in range(self.count(36000))]
        self.write("records.json", [json.dumps(records)])

    def orders(self):
        rows = self.count(110000)
        self.write("orders.sql", [f"""
create table customer(id integer primary key, name text, city text);
create table orders(id integer primary key, customer integer, item text, amount integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows // 10})
insert into customer select i, printf('customer %06d of %x', i, i * 7919 % 65537),
    printf('city %d', i * 31 % 997) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
insert into orders select i, i * 2654435761 % {max(1, rows // 10)} + 1,
    printf('item %d %s', i * 40503 % 5003, substr('abcdefghijklmnopqrstuvwxyz', i % 20, i % 9)),
    i * 69069 % 10007 + {self.seed} from n;
create index by_customer on orders(customer);
create index by_item on orders(item, amount);
select city, count(*), sum(amount) from customer join orders on customer.id = orders.customer
    group by city order by 3 desc limit 10;
select item, group_concat(distinct customer % 100) from orders where amount % 17 = 3
    group by item order by length(2) desc, item limit 5;
update orders set item = item || ' again' where amount % 5 = 0;
delete from orders where amount % 3 = 0;
select count(*), sum(length(item)), max(item) from orders;
select substr(name, 1, 12), rank() over (partition by city order by id) from customer
    order by name desc limit 5;
"""])

    def pages(self):
        generator = self.random("pages")
        head = "%!PS-Adobe-3.0\n/Times-Roman findfont 9 scalefont setfont\n"
        parts = [head]
        for _ in range(self.count(36)):
            for line in range(70):
                text = " ".join(self.word(generator) for _ in range(11))
                parts.append(f"40 {780 - line * 10} moveto ({text}) show\n")
            for _ in range(60):
                x, y, width, height = (generator.randrange(500) for _ in range(4))
                parts.append(f"{generator.random():.3f} {generator.random():.3f} 0.5 setrgbcolor "
                             f"newpath {x} {y} moveto {width} {height} {x} {height} {y} {width} "
                             "curveto closepath fill\n")
            parts.append("0 setgray showpage\n")
        self.write("pages.ps", parts)

    def puzzle(self):
        """A number to be factored, as a question about bits: it has two prime factors."""
        bits, small, large = (14, 8191, 9973) if self.percent < 50 else (16, 32749, 40009)
        self.write("puzzle.smt2", [f"""(set-logic QF_BV)
(declare-const x (_ BitVec {bits}))
(declare-const y (_ BitVec {bits}))
(assert (= (bvmul ((_ zero_extend {bits}) x) ((_ zero_extend {bits}) y))
    (_ bv{small * large} {2 * bits})))
(assert (bvugt x (_ bv1 {bits})))
(assert (bvule x y))
(check-sat)
(get-value (x y))
"""])

    def big(self):
        """A C file with structures, tables, switches and loops, as a generator would write it."""
        generator = self.random("big")
        parts = ["typedef unsigned long word;\nextern word outside(word);\n"]
        for i in range(self.count(110)):
            cases = "".join(
                f"        case {c}: x = (x << {generator.randrange(1, 9)}) ^ {c * 77}u; break;\n"
                for c in range(generator.randrange(4, 12)))
            fields = "".join(f"    word field{f};\n" for f in range(generator.randrange(2, 9)))
            earlier = f"function{generator.randrange(i)}(x)" if i else "x"
            parts.append(f"""struct record{i} {{
{fields}    struct record{i} *next;
}};
static const word table{i}[] = {{{", ".join(str(generator.randrange(99999)) for _ in range(24))}}};
word function{i}(word x)
{{
    for (word i = 0; i < 24; i++) {{
        switch ((x + table{i}[i]) % 13) {{
{cases}        default: x += outside(x) * {generator.randrange(1, 99)}; break;
        }}
    }}
    return x > 1000 ? {earlier} : x * x;
}}
word sum{i}(const struct record{i} *record)
{{
    word sum = 0;
    for (; record != 0; record = record->next) {{
        sum += record->field0 * record->field1 + function{i}(sum);
    }}
    return sum;
}}
""")
        self.write("big.c", parts)

    def repository(self):
        """A repository whose commits change a few lines of a few files each."""
        generator = self.random("repository")
        files = {f"part{i % 7}/file{i}.txt": [self.word(generator) for _ in range(260)]
                 for i in range(40)}
        stream = []
        for commit in range(self.count(700)):
            message = f"change {commit}: {self.word(generator, False)}"
            stream.append(f"commit refs/heads/main\ncommitter a <a@b> {10**9 + commit * 60} +0000\n"
                          f"data {len(message)}\n{message}\n")
            for path in generator.sample(sorted(files), len(files) if commit == 0 else 3):
                lines = files[path]
                for _ in range(6):
                    lines[generator.randrange(len(lines))] = self.word(generator, False)
                text = "\n".join(lines) + "\n"
                stream.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
        repository = self.directory / "repository.git"
        subprocess.run([self.git, "init", "-q", "--bare", "-b", "main", repository], check=True,
                       env=own_environment())
        subprocess.run([self.git, "-C", repository, "fast-import", "--quiet"], check=True,
                       input="".join(stream).encode(), env=own_environment())


def own_environment():
    """Nothing of the user's configuration."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") and k != "LD_PRELOAD"}
    return {**env, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def make(wanted, directory, percent, seed):
    """Writes the inputs of these tests: a word `{inputs}/NAME.ext` calls the method NAME."""
    directory.mkdir(exist_ok=True)
    named = set()
    for test in wanted:
        for word in (*test.command, test.stdin):
            if word.startswith("{inputs}/"):
                named.add(word[len("{inputs}/"):].split(".")[0])
    maker = Maker(directory, percent, seed, tests.program_of("git"))
    for name in sorted(named):
        getattr(maker, name)()
