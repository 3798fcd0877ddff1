! SPDX-License-Identifier: GPL-2.0-or-later
!
! A numeric program in Fortran, compiled once for each level below: heat in a plate, a matrix inverted, integers multiplied as
! matrices (the library has code of its own for each kind of processor: exact in integers, whatever the order), quadruple
! precision in software, formatted output and its way back.
! levels: v1 v2 v3 x87
module shared
    use iso_fortran_env, only: real32, real64, real128, int32, int64
    implicit none
    integer(int64) :: seed = 12345
contains
    function uniform() result(x)
        real(real64) :: x
        seed = mod(seed * 16807_int64, 2147483647_int64)
        x = real(seed, real64) / 2147483647.0_real64
    end function

    subroutine plate()
        integer, parameter :: n = 64
        real(real32) :: t(0:n + 1, 0:n + 1), next(0:n + 1, 0:n + 1)
        integer :: i, j, step
        t = 0
        t(0, :) = 100
        do j = 1, n
            do i = 1, n
                t(i, j) = real(uniform(), real32) * 20
            end do
        end do
        next = t
        do step = 1, 200
            do j = 1, n
                do i = 1, n
                    next(i, j) = 0.25_real32 * (t(i - 1, j) + t(i + 1, j) + t(i, j - 1) + t(i, j + 1))
                end do
            end do
            t = next
        end do
        print '(a, 3(1x, z8.8), 1x, f12.6)', 'plate', transfer(t(1, 1), 1_int32), transfer(t(32, 32), 1_int32), &
            transfer(t(n, n), 1_int32), t(5, 40)
    end subroutine

    subroutine inverse()
        integer, parameter :: n = 40
        real(real64) :: a(n, n), b(n, n), keep(n, n), f, worst
        integer :: i, j, k
        do j = 1, n
            do i = 1, n
                a(i, j) = uniform() - 0.5_real64
            end do
            a(j, j) = a(j, j) + 10
        end do
        keep = a
        b = 0
        do i = 1, n
            b(i, i) = 1
        end do
        do i = 1, n
            f = a(i, i)
            a(i, :) = a(i, :) / f
            b(i, :) = b(i, :) / f
            do k = 1, n
                if (k /= i) then
                    f = a(k, i)
                    a(k, :) = a(k, :) - f * a(i, :)
                    b(k, :) = b(k, :) - f * b(i, :)
                end if
            end do
        end do
        worst = 0
        do j = 1, n
            do i = 1, n
                f = sum(keep(i, :) * b(:, j))
                if (i == j) f = f - 1
                worst = max(worst, abs(f))
            end do
        end do
        print '(a, 2(1x, z16.16), 1x, es24.16)', 'inverse', transfer(b(1, 1), 1_int64), transfer(b(n, 7), 1_int64), worst
        if (.not. worst < 1e-10_real64) print '(a)', 'inverse WRONG'
    end subroutine

    subroutine products()
        integer(int32) :: a(70, 50), b(50, 60), c(70, 60)
        real(real64) :: x(48, 48), y(48, 48), z(48, 48)
        integer :: i, j
        do j = 1, 50
            do i = 1, 70
                a(i, j) = int(uniform() * 2000) - 1000
            end do
        end do
        do j = 1, 60
            do i = 1, 50
                b(i, j) = int(uniform() * 2000) - 1000
            end do
        end do
        c = matmul(a, b)
        print '(a, 4(1x, i0))', 'integers', sum(c), maxval(c), minval(c), count(c > 0)
        do j = 1, 48
            do i = 1, 48
                x(i, j) = anint(uniform() * 1000)
                y(i, j) = anint(uniform() * 1000) - 500
            end do
        end do
        z = matmul(x, transpose(y))
        print '(a, 3(1x, f0.1), 2(1x, i0))', 'exact', sum(z), maxval(z), dot_product(x(:, 3), y(:, 4)), maxloc(z)
    end subroutine

    subroutine quadruple()
        real(real128) :: x, s
        integer :: i
        s = 0
        do i = 1, 400
            s = s + 1.0_real128 / real(i, real128)**3
        end do
        x = 2
        do i = 1, 8
            x = x - (x * x - 2) / (2 * x)
        end do
        print '(a, 2(1x, es44.34e4))', 'quadruple', s, x
        print '(a, 2(1x, es44.34e4))', 'quadruple', exp(x), atan(s)
    end subroutine

    subroutine text()
        character(len=40) :: line
        real(real64) :: x, back
        real(real32) :: y, backf
        complex(real64) :: z
        integer :: i, wrong
        wrong = 0
        do i = 1, 300
            x = (uniform() - 0.5_real64) * 10.0_real64**(mod(i * 7, 600) - 300)
            write (line, '(es25.17e3)') x
            read (line, *) back
            if (back /= x) wrong = wrong + 1
            y = real(uniform(), real32) * 10.0_real32**(mod(i, 60) - 30)
            write (line, '(es16.8e3)') y
            read (line, *) backf
            if (backf /= y) wrong = wrong + 1
            if (mod(i, 50) == 0) print '(es25.17e3, 1x, g0, 1x, en20.6e3)', x, y, x
        end do
        print '(a, i0)', 'text wrong=', wrong
        z = cmplx(0.3_real64, -1.7_real64, real64)
        print *, sqrt(z), exp(z), log(z), z**3
        print *, gamma(4.5_real64), bessel_j0(2.5_real64), erf(0.5_real32), huge(1_int64), nearest(1.0_real64, 1.0_real64)
    end subroutine
end module

program numeric
    use shared
    implicit none
    call plate()
    call inverse()
    call products()
    call quadruple()
    call text()
end program
