;; Two loops over one shared memory: Hamming distances of 1-bit codes with the best few kept, and an int8 dot product.
;; Assembled into src/cache/semantic-code.ts by scripts/wasm.ts.
(module
  (import "memory" "shared" (memory 1 65536 shared))

  ;; Scans `count` codes of `width` v128 each, from `codes` on, against the code at `query`. A place whose byte in `alive`
  ;; is 0 is passed over. `best` holds: i32 found, i32 limit (only smaller distances enter), then `keep` times
  ;; i64 (distance << 32 | place), ascending. Found and limit go from one call to the next: a scan may be in parts.
  (func (export "scan")
    (param $codes i32) (param $alive i32) (param $first i32) (param $count i32)
    (param $width i32) (param $query i32) (param $best i32) (param $keep i32)
    (local $row i32) (local $at i32) (local $end i32) (local $stop i32) (local $q i32)
    (local $found i32) (local $limit i32) (local $distance i32) (local $slot i32) (local $entry i64)
    (local $sum8 v128) (local $sum32 v128)
    (local.set $found (i32.load (local.get $best)))
    (local.set $limit (i32.load offset=4 (local.get $best)))
    (local.set $at (local.get $codes))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $row) (local.get $count)))
        (local.set $q (local.get $query))
        (local.set $sum32 (v128.const i32x4 0 0 0 0))
        (local.set $end (i32.add (local.get $at) (i32.shl (local.get $width) (i32.const 4))))
        (loop $blocks
          ;; 31 times 8 bits is the most that a byte lane can count. Four or fewer at a step: 28 is the block.
          (local.set $stop (i32.add (local.get $at) (i32.const 448)))
          (if (i32.gt_u (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
          (local.set $sum8 (v128.const i32x4 0 0 0 0))
          (block $few
            (loop $fours
              (br_if $few (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $stop)))
              (local.set $sum8 (i8x16.add (local.get $sum8)
                (i8x16.add
                  (i8x16.add
                    (i8x16.popcnt (v128.xor (v128.load (local.get $at)) (v128.load (local.get $q))))
                    (i8x16.popcnt (v128.xor (v128.load offset=16 (local.get $at)) (v128.load offset=16 (local.get $q)))))
                  (i8x16.add
                    (i8x16.popcnt (v128.xor (v128.load offset=32 (local.get $at)) (v128.load offset=32 (local.get $q))))
                    (i8x16.popcnt (v128.xor (v128.load offset=48 (local.get $at)) (v128.load offset=48 (local.get $q))))))))
              (local.set $at (i32.add (local.get $at) (i32.const 64)))
              (local.set $q (i32.add (local.get $q) (i32.const 64)))
              (br $fours)))
          (block $none
            (loop $ones
              (br_if $none (i32.ge_u (local.get $at) (local.get $stop)))
              (local.set $sum8 (i8x16.add (local.get $sum8)
                (i8x16.popcnt (v128.xor (v128.load (local.get $at)) (v128.load (local.get $q))))))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (local.set $q (i32.add (local.get $q) (i32.const 16)))
              (br $ones)))
          (local.set $sum32 (i32x4.add (local.get $sum32)
            (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $sum8)))))
          (br_if $blocks (i32.lt_u (local.get $at) (local.get $end))))
        (local.set $distance (call $lanes (local.get $sum32)))
        (if (i32.and
              (i32.lt_u (local.get $distance) (local.get $limit))
              (i32.load8_u (i32.add (local.get $alive) (local.get $row))))
          (then
            (local.set $entry (i64.or
              (i64.shl (i64.extend_i32_u (local.get $distance)) (i64.const 32))
              (i64.extend_i32_u (i32.add (local.get $first) (local.get $row)))))
            (if (i32.lt_u (local.get $found) (local.get $keep))
              (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))
            (local.set $slot (i32.add (local.get $best) (i32.shl (local.get $found) (i32.const 3))))
            (block $placed
              (loop $shift
                (br_if $placed (i32.le_u (local.get $slot) (i32.add (local.get $best) (i32.const 8))))
                (br_if $placed (i64.lt_u (i64.load (i32.sub (local.get $slot) (i32.const 8))) (local.get $entry)))
                (i64.store (local.get $slot) (i64.load (i32.sub (local.get $slot) (i32.const 8))))
                (local.set $slot (i32.sub (local.get $slot) (i32.const 8)))
                (br $shift)))
            (i64.store (local.get $slot) (local.get $entry))
            (if (i32.eq (local.get $found) (local.get $keep))
              (then (local.set $limit (i32.load offset=4
                (i32.add (local.get $best) (i32.shl (local.get $keep) (i32.const 3)))))))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $rows)))
    (i32.store (local.get $best) (local.get $found))
    (i32.store offset=4 (local.get $best) (local.get $limit)))

  ;; The dot product of `width` times 16 signed bytes at `row` with as many signed 16-bit words at `query`.
  ;; The caller keeps the words small enough for an i32 (2^31 / 127 / dimension).
  (func (export "dot") (param $row i32) (param $query i32) (param $width i32) (result i32)
    (local $bytes v128) (local $low v128) (local $high v128)
    (loop $next
      (local.set $bytes (v128.load (local.get $row)))
      (local.set $low (i32x4.add (local.get $low)
        (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load (local.get $query)))))
      (local.set $high (i32x4.add (local.get $high)
        (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=16 (local.get $query)))))
      (local.set $row (i32.add (local.get $row) (i32.const 16)))
      (local.set $query (i32.add (local.get $query) (i32.const 32)))
      (local.set $width (i32.sub (local.get $width) (i32.const 1)))
      (br_if $next (local.get $width)))
    (call $lanes (i32x4.add (local.get $low) (local.get $high))))

  (func $lanes (param $four v128) (result i32)
    (i32.add
      (i32.add (i32x4.extract_lane 0 (local.get $four)) (i32x4.extract_lane 1 (local.get $four)))
      (i32.add (i32x4.extract_lane 2 (local.get $four)) (i32x4.extract_lane 3 (local.get $four))))))
