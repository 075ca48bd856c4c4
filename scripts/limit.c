/* The elimination of jaxtransport/green/chain.py by hand: what one core can do.

   For every point w (energy) and gamma (coupling of the middle reservoirs; the leads have 1) of one
   wire with hopping 1: g and r of 2 pi I_1 = g (x_1 - x_N) - r. Points, a multiple of W, go W at a time, so that the
   inner loops are vectors; what a sweep leaves for the way back (3 numbers a site) stays in cache.
   `strength` has N entries: 0 on sites without a source or drain, and on the leads. */

#include <math.h>
#include <stddef.h>

#define W 32

void limit(long points, long sites, const double *energy, const double *gamma, const double *strength,
           double *scratch, double *g, double *r)
{
    for (long first = 0; first + W <= points; first += W) {
        const double *w = energy + first, *c = gamma + first;
        double root[W], u[W], v[W], R[W];
        for (int i = 0; i < W; i++) root[i] = sqrt(4 - w[i] * w[i]), u[i] = v[i] = R[i] = 0;
        for (long l = sites - 1; l >= 0; l--) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0;
            double *kept = scratch + 3 * W * l;
            for (int i = 0; i < W; i++) {
                kept[i] = u[i], kept[W + i] = v[i], kept[2 * W + i] = R[i];
                double square = held * (lead + (1 - lead) * c[i] * c[i]), Gamma = square * root[i];
                double x = w[i] - square * w[i] / 2 - u[i], y = Gamma / 2 + v[i], n = 1 / (x * x + y * y);
                u[i] = x * n, v[i] = y * n, R[i] = n * (Gamma + R[i]);
            }
        }
        double theta[W], rho[W], tau[W], B[W];
        for (int i = 0; i < W; i++) u[i] = v[i] = theta[i] = rho[i] = tau[i] = B[i] = 0;
        for (long l = 0; l < sites; l++) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0, last = l == sites - 1;
            double b = strength[l], first_site = l == 0;
            const double *kept = scratch + 3 * W * l;
            for (int i = 0; i < W; i++) {
                double square = held * (lead + (1 - lead) * c[i] * c[i]), Gamma = square * root[i];
                double x = w[i] - square * w[i] / 2 - u[i], y = Gamma / 2 + v[i], n = 1 / (x * x + y * y);
                double X = x - kept[i], Y = y + kept[W + i], s = 1 / (X * X + Y * Y);
                double probe = (1 - lead) * Gamma, sigma = s + theta[i];
                double q = 1 / (lead + (1 - lead) * (sigma * kept[2 * W + i] + tau[i]));
                double here = b + probe * rho[i];
                double a = last + (1 - last) * (kept[i] * kept[i] + kept[W + i] * kept[W + i]);
                B[i] += here * tau[i] * q;
                rho[i] = a * (rho[i] + here * sigma * q);
                theta[i] = a * a * (theta[i] + probe * sigma * sigma * q);
                tau[i] = a * (first_site * Gamma * s + (1 - first_site) * tau[i] * (1 + probe * sigma * q));
                u[i] = x * n, v[i] = y * n;
            }
        }
        for (int i = 0; i < W; i++) g[first + i] = root[i] * tau[i], r[first + i] = B[i];
    }
}
