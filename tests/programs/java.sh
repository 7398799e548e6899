#!/bin/sh
# java.sh - a Java machine works on acre: threads, compression, direct buffers, the compiler itself.
# usage: java.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need java javac
cat >"$work/Story.java" <<'END'
import java.io.*;
import java.nio.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.zip.*;

public class Story {
    static long work(int number) throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20000; i++) text.append("line ").append(i * number).append('\n');
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(text.toString().getBytes("UTF-8"));
        }
        CRC32 sum = new CRC32();
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray()))) {
            sum.update(in.readAllBytes());
        }
        List<ByteBuffer> direct = new ArrayList<>();
        for (int i = 1; i < 200; i++) direct.add(ByteBuffer.allocateDirect(i * 500));
        for (ByteBuffer buffer : direct) buffer.put(0, (byte) number);
        return sum.getValue() + direct.size();
    }

    public static void main(String[] values) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            int number = i;
            results.add(pool.submit(() -> work(number)));
        }
        for (Future<Long> result : results) System.out.println(result.get());
        pool.shutdown();
    }
}
END
cd "$work" || exit 2
on_acre javac -d "$work" Story.java >"$work/log" 2>&1 || {
    failed "javac ends with status $?"
    head -n 10 "$work/log"
}
same 'a program with threads' java -Xmx256m -cp "$work" Story
finish
