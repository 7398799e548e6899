# words.pl FILE - counts and indexes the words of a text with the hashes and arrays of Perl.
#
# A job of acre bench: every scalar, array and hash entry of Perl is a block or part of one.
# SPDX-License-Identifier: MIT
use strict;
use warnings;

my (%lines_of, %followers, @paragraphs);
my $number = 0;
open(my $file, '<', $ARGV[0]) or die "cannot read $ARGV[0]: $!\n";
while (my $line = <$file>) {
    my $before;
    for my $word ($line =~ /([a-z]+)/g) {
        push @{$lines_of{$word}}, $number;
        $followers{$before}{$word}++ if defined $before;
        $before = $word;
    }
    push @paragraphs, uc($line) . reverse($line);
    $number++;
}
my @ordered = sort { @{$lines_of{$b}} <=> @{$lines_of{$a}} || $a cmp $b } keys %lines_of;
my $pairs = 0;
for my $word (@ordered) {
    $pairs += scalar keys %{$followers{$word} || {}};
}
my $text = join('', @paragraphs);
my $vowels = () = $text =~ /[AEIOU]/g;
print "$number ", scalar(@ordered), " $pairs $vowels @ordered[0 .. 9]\n";
