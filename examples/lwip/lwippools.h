// lwippools.h - the pools of a program in the words of lwIP: included several times, each time with other
// meanings of its macros, which is why it has no guard.
//
//     LWIP_MEMPOOL(name, number, size, words)    a pool of its own, MEMP_name
//     LWIP_MALLOC_MEMPOOL(number, size)          one of those behind mem_malloc, from small to large
//
// SPDX-License-Identifier: MIT

LWIP_MEMPOOL(UDP_PCB, 4, 48, "connections")
LWIP_MEMPOOL(PBUF, 16, 24, "headers of packets")
LWIP_MEMPOOL(PBUF_POOL, 10, 592, "packets")

LWIP_MALLOC_MEMPOOL(20, 64)
LWIP_MALLOC_MEMPOOL(10, 256)
LWIP_MALLOC_MEMPOOL(5, 1512)

#undef LWIP_MEMPOOL
#undef LWIP_MALLOC_MEMPOOL
