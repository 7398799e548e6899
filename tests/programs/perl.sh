#!/bin/sh
# perl.sh - perl works on acre: hashes, regular expressions, sorting, closures, fork.
# usage: perl.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need perl
cat >"$work/script.pl" <<'END'
use strict;
use warnings;

my %count;
my $seed = 42;
sub next_number { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $seed >> 8; }

for my $i (1 .. 200000) {
    my $word = join '', map { chr(97 + next_number() % 26) } 1 .. 1 + next_number() % 3;
    $count{$word}++;
}
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 20];
print "$_ $count{$_}\n" for @top;

my $text = '';
$text .= "line $_: " . ('x' x ($_ % 200)) . "\n" for 1 .. 20000;
my $lines = () = $text =~ /^line \d+: x{50,}$/mg;
(my $copy = $text) =~ s/x+/y/g;
print length($text), ' ', length($copy), " $lines\n";

my @nested = map {
    { id => $_, list => [1 .. $_ % 30], sub => do { my $n = $_; sub { $n * 2 } } }
} 1 .. 20000;
my $sum = 0;
$sum += $_->{sub}->() + @{ $_->{list} } for @nested;
print "$sum\n";

for my $child (1 .. 5) {
    my $pid = open(my $pipe, '-|') // die;
    if (!$pid) { my @more = map { "$_" x 10 } 1 .. 10000; print scalar(@more), "\n"; exit $child; }
    print "child $child: ", <$pipe>;
    close $pipe;
    print 'status ', $? >> 8, "\n";
}
END
same 'a script' perl "$work/script.pl"
finish
