/* The sweeps of jaxtransport/green/chain.py by hand: what one core can do.

   For every point w (energy) and gamma (coupling of the middle reservoirs; the leads have 1) of one wire with
   hopping 1. Points, a multiple of W, go W at a time, so that the inner loops are vectors; what a sweep leaves for
   the next ones stays in cache. `strength` has N entries: 0 on sites without a source or drain, and on the leads.

   leads      g and r of 2 pi I_1 = g (x_1 - x_N) - r
   bounded    the same, and the sharpness from which the rounding errors of g and r follow
   checked    also, under both biases: the largest residual, the highest and the lowest potential, over |delta mu|
   profile    also the potentials and the heat of every site, by point and site, written for either bias */

#include <math.h>
#include <stddef.h>

#define W 32
#define EACH for (int i = 0; i < W; i++)
#define AT(n) (kept + W * (n))
enum { U, V, RIGHT, DOUBT, Q, SIGMA, RHO, TAU, DIAGONAL, PHI, PSI, FLOW_PHI, FLOW_PSI, MEAN, KEPT = 20 };

typedef struct { double *g, *r, *sharpness, *residual, *highest, *lowest, *potential[2], *heat[2]; } Found;

static inline double larger(double a, double b) { return a > b ? a : b; }

static inline __attribute__((always_inline)) void sweeps(
    const int bounded, const int checked, const int written, long points, long sites, double injection,
    const double *energy, const double *gamma, const double *strength, double *scratch, Found out)
{
    for (long first = 0; first + W <= points; first += W) {
        const double *w = energy + first, *c = gamma + first;
        double root[W], u[W], v[W], R[W], doubt[W], square[W];
        EACH root[i] = sqrt(4 - w[i] * w[i]), u[i] = v[i] = R[i] = doubt[i] = 0;
        for (long l = sites - 1; l >= 0; l--) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0, *kept = scratch + (checked ? KEPT : 4) * W * l;
            EACH {
                AT(U)[i] = u[i], AT(V)[i] = v[i], AT(RIGHT)[i] = R[i];
                double square = held * (lead + (1 - lead) * c[i] * c[i]), Gamma = square * root[i];
                double x = w[i] - square * w[i] / 2, in_doubt = x * x + doubt[i];
                x -= u[i];
                double y = Gamma / 2 + v[i], n = 1 / (x * x + y * y);
                if (bounded) AT(DOUBT)[i] = doubt[i], doubt[i] = n * (n * in_doubt + 1);
                u[i] = x * n, v[i] = y * n, R[i] = n * (Gamma + R[i]);
            }
        }
        double theta[W], rho[W], tau[W], B[W], sharpness[W], reach[W], amplified[W];
        EACH u[i] = v[i] = theta[i] = rho[i] = tau[i] = B[i] = doubt[i] = sharpness[i] = reach[i] = amplified[i] = 0;
        for (long l = 0; l < sites; l++) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0, last = l == sites - 1;
            double start = l == 0, b = strength[l], *kept = scratch + (checked ? KEPT : 4) * W * l;
            EACH {
                double square = held * (lead + (1 - lead) * c[i] * c[i]), Gamma = square * root[i];
                double x = w[i] - square * w[i] / 2, in_doubt = x * x + held / sites * (doubt[i] + AT(DOUBT)[i]);
                double own = x * x + doubt[i];
                x -= u[i];
                double y = Gamma / 2 + v[i], n = 1 / (x * x + y * y);
                double xs = x - AT(U)[i], ys = y + AT(V)[i], s = 1 / (xs * xs + ys * ys);
                if (bounded) sharpness[i] = larger(sharpness[i], s * in_doubt), doubt[i] = n * (n * own + 1);
                double probe = (1 - lead) * Gamma, sigma = s + theta[i];
                double total = sigma * AT(RIGHT)[i] + tau[i], q = 1 / (probe > 0 ? total : 1);
                double a = last ? 1 : AT(U)[i] * AT(U)[i] + AT(V)[i] * AT(V)[i], onward = b + probe * rho[i];
                if (checked) {
                    AT(Q)[i] = q, AT(SIGMA)[i] = sigma, AT(RHO)[i] = rho[i], AT(TAU)[i] = tau[i], AT(DIAGONAL)[i] = s;
                    double met = probe > 0 ? (s * AT(RIGHT)[i] + reach[i]) * q : 0;
                    amplified[i] = larger(amplified[i], met), reach[i] = a * (reach[i] + Gamma * s);
                }
                u[i] = x * n, v[i] = y * n;
                B[i] += onward * tau[i] * q;
                theta[i] = a * a * (theta[i] + probe * sigma * sigma * q);
                rho[i] = a * (rho[i] + onward * sigma * q);
                tau[i] = a * (start * Gamma * s + (1 - start) * tau[i] * (1 + probe * sigma * q));
            }
        }
        EACH out.g[first + i] = root[i] * tau[i], out.r[first + i] = B[i];
        if (bounded) EACH out.sharpness[first + i] = larger(sharpness[i], checked ? 1e-32 * amplified[i] : 0);
        if (!checked) continue;
        double reach_phi[W], reach_psi[W], most[W], high[W], low[W], weight[W], total = 0;
        for (long l = 0; l < sites; l++) total += strength[l];
        EACH reach_phi[i] = reach_psi[i] = 0, high[i] = low[i] = -INFINITY, square[i] = c[i] * c[i] * root[i];
        double mean[2][W] = {0}, spread[2][W] = {0};
        for (long l = sites - 1; l >= 0; l--) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0, last = l == sites - 1;
            double end = lead ? (last ? -.5 : .5) : 0, b = strength[l], *kept = scratch + (checked ? KEPT : 4) * W * l;
            EACH {
                double Gamma = held * (lead ? root[i] : square[i]);
                double a = last ? 1 : AT(U)[i] * AT(U)[i] + AT(V)[i] * AT(V)[i];
                double c_phi = a * reach_phi[i], c_psi = a * reach_psi[i], s = AT(DIAGONAL)[i], R = AT(RIGHT)[i];
                double middle = held * (1 - lead), q = middle * AT(Q)[i];
                double phi = end + q * (AT(SIGMA)[i] * c_phi + AT(TAU)[i] / 2);
                double psi = q * (AT(SIGMA)[i] * c_psi + AT(RHO)[i] + b / (held ? Gamma : 1));
                AT(PHI)[i] = phi, AT(PSI)[i] = psi;
                AT(FLOW_PHI)[i] = s * (R * phi - c_phi), AT(FLOW_PSI)[i] = s * (R * psi - c_psi);
                reach_phi[i] = Gamma * phi + c_phi, reach_psi[i] = Gamma * psi + c_psi;
                high[i] = larger(high[i], held ? fabs(phi) + injection * psi : -INFINITY);
                low[i] = larger(low[i], held ? fabs(phi) - injection * psi : -INFINITY);
                if (written) {
                    double both = 1 / (Gamma + R > 0 ? Gamma + R : 1), share = Gamma * both, rest = R * both;
                    for (int bias = 0; bias < 2; bias++) {
                        double x = (bias ? -phi : phi) + injection * psi, away = x - mean[bias][i];
                        AT(MEAN + bias)[i] = x, AT(MEAN + 2 + bias)[i] = s * R * (away * away + spread[bias][i]);
                        spread[bias][i] = rest * (spread[bias][i] + share * away * away);
                        mean[bias][i] += share * away;
                    }
                }
            }
        }
        EACH most[i] = weight[i] = reach_phi[i] = reach_psi[i] = 0;
        if (written) for (int bias = 0; bias < 2; bias++) EACH mean[bias][i] = spread[bias][i] = 0;
        for (long l = 0; l < sites; l++) {
            double lead = l == 0 || l == sites - 1, held = lead || strength[l] != 0, last = l == sites - 1;
            double b = strength[l], *kept = scratch + (checked ? KEPT : 4) * W * l, sign = l == 0 ? 1 : last ? -1 : 0;
            EACH {
                double Gamma = held * (lead ? root[i] : square[i]);
                double a = last ? 1 : AT(U)[i] * AT(U)[i] + AT(V)[i] * AT(V)[i];
                double phi = AT(PHI)[i], psi = AT(PSI)[i], own = AT(DIAGONAL)[i] * Gamma;
                double by_phi = Gamma * (AT(FLOW_PHI)[i] + weight[i] * phi - reach_phi[i]);
                double by_psi = Gamma * (AT(FLOW_PSI)[i] + weight[i] * psi - reach_psi[i]);
                double asked = b - sign * B[i] - last * total;
                most[i] = larger(most[i], fabs(by_phi - sign * root[i] * tau[i]) + fabs(injection * (by_psi - asked)));
                if (written) {
                    double here = own + weight[i], both = 1 / (here > 0 ? here : 1), share = own * both, rest = weight[i] * both;
                    for (int bias = 0; bias < 2; bias++) {
                        double x = AT(MEAN + bias)[i], away = x - mean[bias][i];
                        AT(MEAN + 2 + bias)[i] = Gamma * (AT(MEAN + 2 + bias)[i] + weight[i] * (away * away + spread[bias][i]));
                        spread[bias][i] = rest * (spread[bias][i] + share * away * away);
                        mean[bias][i] += share * away;
                    }
                }
                reach_phi[i] = a * (reach_phi[i] + own * phi), reach_psi[i] = a * (reach_psi[i] + own * psi);
                weight[i] = a * (weight[i] + own);
            }
        }
        EACH out.residual[first + i] = most[i], out.highest[first + i] = high[i], out.lowest[first + i] = -low[i];
        if (written)
            for (int bias = 0; bias < 2; bias++)
                for (int i = 0; i < W; i++)
                    for (long l = 0; l < sites; l++) {
                        const double *kept = scratch + (checked ? KEPT : 4) * W * l;
                        out.potential[bias][(first + i) * sites + l] = w[i] + AT(MEAN + bias)[i];
                        out.heat[bias][(first + i) * sites + l] = AT(MEAN + 2 + bias)[i];
                    }
    }
}

#define ENTRY(name, bounded, checked, written)                                                                       \
    void name(long points, long sites, double injection, const double *energy, const double *gamma,                  \
              const double *strength, double *scratch, const Found *out)                                             \
    {                                                                                                                \
        sweeps(bounded, checked, written, points, sites, injection, energy, gamma, strength, scratch, *out);         \
    }

ENTRY(leads, 0, 0, 0)
ENTRY(bounded, 1, 0, 0)
ENTRY(checked, 1, 1, 0)
ENTRY(profile, 1, 1, 1)
